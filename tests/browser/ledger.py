"""The repository of a team at work: a ledger, and a fault in it that an agent is asked to find."""

import subprocess
from pathlib import Path
from typing import Final

_AUTHOR: Final = ("-c", "user.name=Payments", "-c", "user.email=payments@example.org")
FAULT: Final = "    return round(amount * share)"
REPAIR: Final = """\
    # Half a cent goes to the customer: round() would give every second one to us.
    return (2 * amount * share.numerator + share.denominator) // (2 * share.denominator)"""

_README: Final = """\
# Ledger

Double-entry bookkeeping for payments. Amounts are whole cents; nothing is ever a float.

- `ledger/money.py`: amounts and currencies
- `ledger/postings.py`: entries that balance
- `ledger/refunds.py`: what a customer gets back

Run the tests with `python3 -m unittest`.
"""
_MONEY: Final = '''\
"""Amounts of money, in whole cents."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    """An amount in one currency."""

    cents: int
    currency: str = "EUR"

    def __add__(self, other: "Money") -> "Money":
        """Add an amount of the same currency."""
        if self.currency != other.currency:
            raise ValueError(f"{other.currency} is not {self.currency}")
        return Money(self.cents + other.cents, self.currency)
'''
_REFUNDS: Final = f'''\
"""What a customer gets back."""

from fractions import Fraction


def refund(amount: int, share: Fraction) -> int:
    """The cents to pay back for a share of an amount."""
{FAULT}
'''
_POSTINGS: Final = '''\
"""Entries of the ledger, which balance."""

from dataclasses import dataclass

from ledger.money import Money


@dataclass(frozen=True)
class Posting:
    """An amount that goes from one account to another."""

    debit: str
    credit: str
    amount: Money


def balance(account: str, postings: list[Posting]) -> int:
    """The cents of an account."""
    received = sum(item.amount.cents for item in postings if item.credit == account)
    return received - sum(item.amount.cents for item in postings if item.debit == account)
'''
_TESTS: Final = '''\
"""Refunds are exact to the cent."""

import unittest
from fractions import Fraction

from ledger.refunds import refund


class Refunds(unittest.TestCase):
    def test_half_a_cent_goes_to_the_customer(self) -> None:
        self.assertEqual(13, refund(25, Fraction(1, 2)))

    def test_a_third(self) -> None:
        self.assertEqual(333, refund(1000, Fraction(1, 3)))
'''
_HISTORY: Final = (
    (
        "Begin the ledger",
        {"README.md": _README, ".gitignore": "__pycache__/\n", "ledger/__init__.py": "", "ledger/money.py": _MONEY},
    ),
    ("Postings that balance", {"ledger/postings.py": _POSTINGS}),
    ("Refund a share of a payment", {"ledger/refunds.py": _REFUNDS}),
    ("Test refunds of odd amounts", {"tests/__init__.py": "", "tests/test_refunds.py": _TESTS}),
)


def make(folder: Path) -> None:
    """The repository, commit by commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for message, files in _HISTORY:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", message)


def git(folder: Path, *argv: str) -> None:
    """Run git there, as the team."""
    subprocess.run(["git", *_AUTHOR, "-C", str(folder), *argv], check=True)
