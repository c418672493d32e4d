"""Whose packs come with the phone; written by `python -m infra.terms.build`. See decision 0140."""

SHIPPED = bytes.fromhex("e8f4720ccb080e7b457d709557e472dccc91f854ac82993d8dbd909bd63f0509")
