"""Verify a receipt offline, with the log's public key line and nothing else.

    python verify.py receipt.tlog-proof --key 'chat-ledger.localhost/log/demo+1a2b3c4d+AX…'

Needs Python 3.11 and the package `cryptography`; it imports nothing else of ours, so that it can be read from top to
bottom and run anywhere. It checks, in this order: the checkpoint's signature (c2sp.org/signed-note), its origin
(c2sp.org/tlog-checkpoint), the audit path (RFC 6962) from the entry to the checkpoint's root, and, if there is one, the
payer's own signature of the payment (DSSE). Then it prints the entry; or, with exit status 1, the first thing wrong.
A receipt is a c2sp.org/tlog-proof@v1 whose `extra` line is the entry. Amounts are in minor units.
"""

# long: it is copied by itself to where nothing else is installed.

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ModuleNotFoundError:
    sys.exit("This needs the package cryptography: pip install cryptography, or use a Python that has it.")

INTENT_TYPE = b"application/vnd.chat-ledger.intent.v1+json"
INTENT_TEXTS = ("ledger", "operation", "key", "from", "to", "currency", "expires_at")
INTENT_KINDS: dict[str, type] = {"amount": int, **dict.fromkeys(INTENT_TEXTS, str)}
SHOWN_FIRST = ("ledger", "number", "kind", "posted_at", "effective_on", "postings", "request")

# Ed25519 points that are refused: of small order (anybody can sign under them), or not canonically written.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
REFUSED_Y = (0, 1, P - 1, ORDER_8, P - ORDER_8, *range(P, 2**255))
REFUSED_POINTS = {(y | sign << 255).to_bytes(32, "little") for y in REFUSED_Y for sign in (0, 1)}


class Wrong(Exception):
    """The first thing wrong, as a sentence."""


class Receipt(NamedTuple):
    """The parts of a receipt. `place` is the entry's in the log, counted from 0."""

    place: int
    path: list[bytes]
    checkpoint: bytes
    entry: bytes


class Checkpoint(NamedTuple):
    """What the log's key signed: so many entries, with this root."""

    origin: str
    size: int
    root: bytes


def main() -> str | None:
    """Check the receipt that the command line names; the sentence about what is wrong with it, or None."""
    parser = argparse.ArgumentParser(description="Verify a receipt offline.")
    parser.add_argument("receipt", type=Path, help="the file that /v1/entries/<n>/receipt gave")
    parser.add_argument("--key", required=True, help="the log's public key line, <name>+<hash>+<base64>")
    given = parser.parse_args()
    try:
        print(verified(given.receipt.read_bytes(), given.key.strip()))
    except OSError as wrong:
        return f"The receipt cannot be read: {wrong.strerror}."
    except Wrong as wrong:
        return plain(str(wrong))
    return None


def verified(data: bytes, key_line: str) -> str:
    """Check a receipt from top to bottom; the entry it proves, as a table."""
    receipt = read_receipt(data)
    checkpoint = open_checkpoint(receipt.checkpoint, key_line)
    check_audit_path(receipt, checkpoint)
    entry = read_entry(receipt)
    return table(entry, checkpoint, check_intent(entry))


def read_receipt(data: bytes) -> Receipt:
    """Take a c2sp.org/tlog-proof@v1 apart."""
    if b"\r" in data:
        raise Wrong("The receipt has carriage returns: its line ends were changed on the way.")
    head, _, checkpoint = data.partition(b"\n\n")
    first, *lines = head.decode("ascii", errors="replace").split("\n")
    if first != "c2sp.org/tlog-proof@v1":
        raise Wrong("This is no receipt: its first line is not c2sp.org/tlog-proof@v1.")
    if len(lines) < 2 or not lines[0].startswith("extra "):
        raise Wrong("The receipt carries no entry: its second line is not `extra` and base64.")
    entry = decoded(lines[0].removeprefix("extra "), "The receipt's entry")
    if not re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[1]):
        raise Wrong("The receipt's third line is not `index` and a whole number.")
    path = [decoded(line, "A hash of the receipt's audit path", 32) for line in lines[2:]]
    return Receipt(int(lines[1][6:]), path, checkpoint, entry)


def open_checkpoint(note: bytes, key_line: str) -> Checkpoint:
    """The checkpoint in a signed note, once the key's signature of it holds and it is of the key's log."""
    name, key_hash, public_key = read_key_line(key_line)
    text, signatures = read_note(note)
    ours = [signature[4:] for signer, signature in signatures if (signer, signature[:4]) == (name, key_hash)]
    if not ours:
        raise Wrong(f"The key of {name} has not signed the receipt's checkpoint.")
    if not all(holds(public_key, signature, text) for signature in ours):
        raise Wrong("The signature of the checkpoint does not hold: the checkpoint or the signature was changed.")
    origin, *lines = text.decode(errors="replace").removesuffix("\n").split("\n")
    if len(lines) < 2 or "" in lines or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[0]):
        raise Wrong("What the log's key has signed is not a checkpoint: an origin, a size and a root.")
    root = decoded(lines[1], "The checkpoint's root", 32)
    if origin != name:
        raise Wrong(f"The checkpoint is of the log {origin}, and the key that of {name}.")
    return Checkpoint(origin, int(lines[0]), root)


def read_key_line(line: str) -> tuple[str, bytes, bytes]:
    """The name, the key hash and the 32 bytes of a verifier key line."""
    name, _, rest = line.partition("+")
    key_hash, _, encoded = rest.partition("+")
    data = decoded(encoded, "The key line's key")
    if data[:1] != b"\x01" or len(data) != 33 or data[1:] in REFUSED_POINTS:
        raise Wrong("The key line has no good Ed25519 key.")
    expected = hashlib.sha256(name.encode(errors="replace") + b"\n" + data).digest()[:4]
    if expected.hex() != key_hash:
        raise Wrong("The key line's hash does not fit its name and key: a character of it was changed.")
    return name, expected, data[1:]


def read_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A note's text, and of each signature line the name and the key hash with the signature."""
    text, _, signed = note.decode(errors="replace").rpartition("\n\n")
    lines = signed.split("\n")
    if not text or lines.pop() != "" or re.search("[\x00-\x09\x0b-\x1f]", text + signed):
        raise Wrong("The receipt's checkpoint is not a signed note: text, an empty line, and signature lines.")
    signatures = []
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        signature = decoded(encoded, "A signature of the checkpoint")
        if dash != "\u2014" or not name or len(signature) < 5:
            raise Wrong("A signature line of the checkpoint is not an em dash, the name of a key and base64.")
        signatures.append((name, signature))
    return note[: note.rindex(b"\n\n") + 1], signatures


def check_audit_path(receipt: Receipt, checkpoint: Checkpoint) -> None:
    """RFC 9162 section 2.1.3.2: hash the entry with its path, up to the root."""
    position, last = receipt.place, checkpoint.size - 1
    computed = hashlib.sha256(b"\x00" + receipt.entry).digest()
    for step in receipt.path:
        if last == 0:
            raise Wrong("The receipt's audit path is too long.")
        if position & 1 or position == last:
            computed = hashlib.sha256(b"\x01" + step + computed).digest()
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = hashlib.sha256(b"\x01" + computed + step).digest()
        position, last = position >> 1, last >> 1
    if receipt.place >= checkpoint.size or last != 0 or computed != checkpoint.root:
        raise Wrong("The entry is not the one that the log has at this place: it or its audit path was changed.")


def read_entry(receipt: Receipt) -> dict[str, Any]:
    """The entry, which stands in the log where its number says."""
    entry = parsed(receipt.entry, "What the log has at this place")
    postings = entry.setdefault("postings", [])
    kinds = {"ledger": str, "number": int, "kind": str, "key": str, "request": dict, "postings": list}
    posting_kinds = {"debit": str, "credit": str, "amount": int, "currency": str}
    if not has(entry, kinds) or not all(has(posting, posting_kinds) for posting in postings):
        raise Wrong("What the log has at this place is not an entry of a ledger.")
    if entry["number"] != receipt.place + 1:
        raise Wrong(f"The entry calls itself number {entry['number']}; in the log it is {receipt.place + 1}.")
    return entry


def check_intent(entry: dict[str, Any]) -> str:
    """Check the payer's signature, if there is one, and that it is of this payment. What to say of it."""
    signed = entry["request"].get("intent")
    if signed is None or (isinstance(signed, str) and len(signed) == 43):
        return "no" if signed is None else "by a commitment: what was signed names an alias, or an account outside"
    evidence = {**signed, **entry["result"]} if has(entry, {"result": dict}) and isinstance(signed, dict) else {}
    if not has(evidence, dict.fromkeys(("payload", "signature", "key_id", "intent_public_key"), str)):
        raise Wrong("The entry has a payer's intent without all that is needed to check it.")
    payload = decoded(evidence["payload"], "The payer's intent")
    public_key = decoded(evidence["intent_public_key"], "The payer's key")
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url(public_key)}"}}'
    if base64url(hashlib.sha256(jwk.encode()).digest()) != evidence["key_id"]:
        raise Wrong("The payer's key is not the one whose id the intent gives.")
    message = b"DSSEv1 %d %b %d %b" % (len(INTENT_TYPE), INTENT_TYPE, len(payload), payload)
    if not holds(public_key, decoded(evidence["signature"], "The payer's signature"), message):
        raise Wrong("The payer's signature does not hold: what was signed or the signature was changed.")
    intent = parsed(payload, "The payer's intent")
    if intent.keys() - {"of"} != INTENT_KINDS.keys() or not has(intent, INTENT_KINDS):
        raise Wrong("What the payer signed is not an intent.")
    check_agreement(intent, entry)
    return f"by {intent['from']}, with the key {evidence['key_id']}"


def check_agreement(intent: dict[str, Any], entry: dict[str, Any]) -> None:
    """Compare what the payer signed with what was entered."""
    key_digest = base64url(hashlib.sha256(intent["key"].encode(errors="replace")).digest()[:16])
    acts_on = next(filter(None, map(entry["request"].get, ("hold", "invoice", "payment_request"))), None)
    entered = {"ledger": entry["ledger"], "operation": entry["kind"], "of": acts_on, "key": entry["key"]}
    for name, value in {**intent, "key": key_digest}.items():
        if value != entered.get(name, value):
            raise Wrong(f"The payer signed the {name} {intent[name]!r}, which is not the entry's.")
    purse = f"{intent['from']}/available"
    taken = [each for each in entry["postings"] if (each["debit"], each["currency"]) == (purse, intent["currency"])]
    paid = sum(posting["amount"] for posting in taken)
    if paid != intent["amount"]:
        raise Wrong(f"The payer signed {intent['amount']} {intent['currency']}; the entry takes {paid} of their money.")
    payees = {posting["credit"].rpartition("/")[0] for posting in taken} - {intent["from"]} or payees_of_hold(entry)
    if not payees:
        raise Wrong("The entry does not say whom it pays.")
    if intent["to"] not in payees:
        raise Wrong(f"The payer signed a payment to {intent['to']}; the entry pays {', '.join(sorted(payees))}.")


def payees_of_hold(entry: dict[str, Any]) -> set[str]:
    """Whom a hold is for, as the entry left it: the money stays with the payer for now, and no posting says it."""
    result = entry["result"] if has(entry, {"result": dict}) else {}
    rows = result["rows"] if has(result, {"rows": dict}) else {}
    holds = rows["holds"] if has(rows, {"holds": list}) else []
    return {hold["payee"] for hold in holds if has(hold, {"payee": str})}


def holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's Ed25519 signature (RFC 8032), strictly."""
    if len(public_key) != 32 or len(signature) != 64 or int.from_bytes(signature[32:], "little") >= L:
        return False
    if public_key in REFUSED_POINTS or signature[:32] in REFUSED_POINTS:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def decoded(text: str, what: str, size: int | None = None) -> bytes:
    """The bytes, so many of them, of base64 (RFC 4648 section 4) in its one canonical form."""
    try:
        data = base64.b64decode(text)
    except ValueError:
        data = b""
    if base64.b64encode(data).decode() != text:
        raise Wrong(f"{what} is not base64.")
    if size not in (None, len(data)):
        raise Wrong(f"{what} is {len(data)} bytes, not {size}.")
    return data


def base64url(data: bytes) -> str:
    """Unpadded base64url (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def has(value: Any, kinds: Mapping[str, type]) -> bool:
    """Whether this is an object with these members, each of its kind."""
    return isinstance(value, dict) and all(type(value.get(name)) is kind for name, kind in kinds.items())


def parsed(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object without a key given twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) != len(pairs):
            raise ValueError
        return found

    try:
        value = json.loads(data.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Wrong(f"{what} is not a JSON object.")
    return value


def table(entry: dict[str, Any], checkpoint: Checkpoint, payer: str) -> str:
    """The entry, and what vouches for it."""
    lines: list[tuple[str, Any]] = []
    for name in dict.fromkeys(name for name in (*SHOWN_FIRST, *entry) if name in entry):
        if name == "postings":
            way = "{debit} -> {credit}: {amount} minor units of {currency}"
            lines += [("posting", way.format_map(posting)) for posting in entry[name]]
        else:
            lines += entry[name].items() if isinstance(entry[name], dict) else [(name, entry[name])]
    lines = [line for line in lines if line[0] != "intent"]
    lines.append(("signed by payer", payer))
    lines.append(("signed by log", f"{checkpoint.origin}, as one of {checkpoint.size} entries"))
    lines.append(("root", base64.b64encode(checkpoint.root).decode()))
    width = max(len(name) for name, _ in lines)
    return "\n".join(
        plain(f"{name:{width}}  {value if isinstance(value, str) else json.dumps(value)}") for name, value in lines
    )


def plain(text: str) -> str:
    """The text without what could play tricks on a screen."""
    return "".join(character if character.isprintable() else "?" for character in text)


if __name__ == "__main__":
    sys.exit(main())
