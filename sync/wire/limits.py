"""Every limit of the protocol, with its unit and what it protects. Spec: openapi/protocol/limits.md.

A limit that both sides compute (it decides whether an item is void) never changes within a protocol version. The others
are the server's to set lower, and are answered with the code that errors.py names.
"""

PROTOCOL_VERSION = 1  # the highest version whose layout and rules this code knows
VERSION_AT_FOUNDING = 1  # every vault begins with it, whatever a later code knows besides
SUITES_KNOWN = (1,)  # 1: X-Wing HPKE wraps, HKDF-SHA256, AES-256-GCM frames

# Computed alike by server and phones.
CARDS_MAX = 32  # live cards of a vault, recovery cards counted, after the whole entry
CARDS_A_PERSON_MAX = 8  # live cards of one person, counted likewise
DEVICES_EVER_MAX = 1_024  # cards in the life of one log: a dot keeps ten bits for the author
CARDS_EVER_A_PERSON_MAX = 64  # cards of one person in the life of one log: nobody uses up DEVICES_EVER_MAX alone
EDITS_AN_ENTRY_MAX = 64  # edits; an entry can drop and add every card at once
EPOCH_STEP_MAX = 1_000  # an epoch's number rises by at most this, so that nobody uses the numbers up
CHANGES_A_FRAME_MAX = 4_096  # changes; bounds what one frame can make a phone do
FRAME_INFLATED_BYTES_MAX = 4_194_304  # bytes inside one frame after inflation
VALUE_BYTES_MAX = 2_097_152  # bytes of one value; larger ones are refused by name until blobs exist
KEY_BYTES_MAX = 512  # bytes of one register key
PREDS_A_CHANGE_MAX = 16_384  # dots one change may name
SIBLINGS_A_DEVICE_MAX = 16  # of one device on one register; the lowest dots go
INTEGER_MAX = 9_007_199_254_740_991  # 2^53 - 1, of any integer in signed bytes: exact in every language and store
FRAME_BYTES_MAX = 1_048_576  # bytes of one item's signed bytes; bounds memory per item

# Refused by the server, never judged.
REQUEST_BYTES_MAX = 8_388_608  # bytes of one request body
SMALL_BODY_BYTES_MAX = 16_384  # bytes of a body on every route but sync
ITEMS_A_REQUEST_MAX = 1_024  # items of all vaults in one request
VAULTS_A_REQUEST_MAX = 64  # vaults in one request
LOST_ENTRIES_MAX = 64  # signed entries a restore lost, held for one vault
WRAPS_A_CARD_MAX = 40  # wraps beside each other for one card and epoch: one a person, and the one with the entry
WRAP_BYTES = 1_120 + 32 + 16  # bytes: X-Wing encapsulation, epoch key, tag
KEYBOX_BYTES_MAX = 65_536  # bytes: 1,000 epochs of 32 bytes, sealed and padded
ENTRIES_A_DAY_MAX = 20  # first-hand entries a day of a person who is not an owner
GRACE_FRAMES_MAX = 64  # frames of one device stored void after it lost its rights
GRACE_BYTES_MAX = 4_194_304  # bytes of them
GRACE_DAYS = 30  # days from the entry that took the right
PAGE_BYTES_MAX = 8_388_608  # bytes of items in one answer for one vault
BULK_FRAME_BYTES_AIM = 65_536  # bytes: what a bulk frame is cut at when sealing
ASSERTION_SECONDS_MAX = 60  # seconds from now an assertion may expire
TOKEN_SECONDS = 600  # seconds an access token lives
LINK_SECONDS = 600  # seconds a rendezvous lives
LINK_POST_BYTES_MAX = 16_384  # bytes of one sealed post
TERM_PACK_SERVED_BYTES_MAX = 8_388_608  # bytes of a term pack that a server hands out
TERM_PACKS_SERVED_MAX = 64  # term packs that a server lists
ISSUERS_MAX = 64  # health cards of an account whose keys are published
SHARES_MAX = 64  # shares of an account that are not revoked
SHARE_FILES_MAX = 16  # files of one share
SHARE_BYTES_MAX = 4_194_304  # characters of all sealed files of one share
SHARE_BODY_BYTES_MAX = 4_210_688  # bytes of a body that carries them: 16 KiB more
SHARE_OPENINGS_DAYS = 1_096  # days that a record of an opening is kept: three years
OPENINGS_A_PAGE_MAX = 256  # records in one answer
LEDGER_DAYS = 1_096  # days that an entry of an account's ledger is kept: three years
LEDGER_PAGE_MAX = 256  # entries of a ledger in one answer
NOTE_PLAIN_BYTES_MAX = 720_896  # bytes inside a note that a reader sends back
NOTE_BYTES_MAX = 721_008  # bytes of a sealed note: 112 more
NOTE_BODY_BYTES_MAX = 983_040  # bytes of a body that carries one
NOTE_TEXT_CHARS_MAX = 4_000  # characters of a note's text
NOTE_DOCUMENT_BYTES_MAX = 524_288  # bytes of the one document in a note
NOTES_A_SHARE_MAX = 32  # notes in the life of one share
NOTES_WAITING_BYTES_MAX = 33_554_432  # bytes of all notes that wait for one account
NOTES_REVOKED_DAYS = 90  # days after its share was revoked that a note and its answer go
ANSWER_BYTES_MAX = 8_192  # bytes of a sealed answer to a note
PASSCODE_TRIES = 5  # wrong passcodes in the life of one passcode
TICKET_SECONDS = 3_600  # seconds a file's location lives
EMBEDDED_CHARS_MAX = 16_384  # characters of a file that is embedded when the reader names no maximum
SHARE_POLL_SECONDS = 60  # seconds before a reader asks a share that may change again
PUSH_ADDRESS_CHARS_MAX = 4_096  # characters of a registration token or an installation id
PUSH_TOPIC_CHARS = 22  # characters of a push's topic: 128 bits in base64url, so that all bodies are of one size
PUSH_MUTED_MAX = 64  # kinds of notices that a device may mute
PUSH_WAKE_SECONDS = 86_400  # seconds after which a wake is given up, here and at the push service
PUSH_NOTICE_SECONDS = 259_200  # seconds after which a notice's push is given up; sync carries it on
PUSH_REPEAT_SECONDS = 86_400  # seconds after which a notice that nobody has seen is pushed once more
