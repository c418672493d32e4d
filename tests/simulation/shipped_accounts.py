"""The routes beside sync, for phones that take new cards: whoever asks is enrolled, and a token says whose it is.

It is not the account server: nobody is ever refused here, for membership of a vault does not depend on accounts.
"""

import base64

import msgspec

from sync.device.transport import Unreachable
from sync.wire.account import AccountMade, Token, TokenRequest
from tests.simulation.shipped import ACCOUNT, SimulatedTransport


class AccountsTransport(SimulatedTransport):
    """Asks as the card that the token was given to; an answer of these routes may get lost, too."""

    async def call(self, method, path, body=None, token=None):
        answer = self._answer(method, path, body)
        if self._phone.draw_fate() != "whole":
            raise Unreachable("the answer did not arrive")
        return answer

    def _answer(self, method, path, body):
        if path == "/v1/token":
            claims = msgspec.json.decode(body, type=TokenRequest).assertion.split(".")[1]
            said = msgspec.json.decode(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
            return msgspec.json.encode(Token(said["iss"], 2**40))
        assert path.startswith(("/v1/accounts", "/v1/devices")), path
        return b"[]" if method == "GET" else msgspec.json.encode(AccountMade(ACCOUNT))

    def stream(self, path, body, token):
        if token != "simulated":
            self._phone.device = bytes.fromhex(token)
        return super().stream(path, body, token)
