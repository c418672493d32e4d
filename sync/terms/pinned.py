"""Whose packs come with the phone; written by `python -m infra.terms.build`. See decision 0140."""

SHIPPED = bytes.fromhex("9e43c9feca35df3866433ddbbaf8ae39902611bfc82c1b975b9d62b861780411")
