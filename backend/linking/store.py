"""SQL of rendezvous: two sealed posts under an id that nobody can tie to anyone."""

from __future__ import annotations

from backend.storage.engine import Reading, Transaction
from sync.wire.ids import LinkId

POST_READ = "SELECT body FROM links WHERE link = $1 AND post = $2 AND expires_at > $3"
POST_WRITE = (
    "INSERT INTO links (link, post, body, expires_at) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (link, post) DO NOTHING RETURNING post"
)
POSTS_EXPIRED = (
    "DELETE FROM links WHERE (link, post) IN"
    " (SELECT link, post FROM links WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED)"  # another removes those
)
POSTS_COUNT = "SELECT count(*) FROM links"


async def read_post(db: Reading, link: LinkId, post: str, now_ms: int) -> bytes | None:
    """A post that has not ended."""
    rows = await db.fetch(POST_READ, link, post, now_ms)
    return rows[0][0] if rows else None


async def count_posts(tx: Transaction, now_ms: int) -> int:
    """How many posts there are, those that have ended removed."""
    await tx.execute(POSTS_EXPIRED, now_ms)
    return int((await tx.fetch(POSTS_COUNT))[0][0])


async def write_post(tx: Transaction, link: LinkId, post: str, body: bytes, expires_ms: int) -> bool:
    """Stores a post; False if its place is taken."""
    return bool(await tx.fetch(POST_WRITE, link, post, body, expires_ms))
