#!/usr/bin/env python3
"""Verifies an export of a Sealgate audit chain, with nothing but Python 3.8 and this folder.

    verify_export.py EXPORT.jsonl --key-file KEYS.json       every MAC and every signature
    verify_export.py EXPORT.jsonl --public-key NAME+HASH+KEY  signatures alone, no secret needed

Prints one line of JSON. Exit code 0: the export is what was written; 65: it is not, and the line names the
first bad sequence number and the kind; 2: it cannot be judged. The layout is in README.md.
"""

import argparse, base64, hashlib, hmac, json, re, sys

sys.dont_write_bytecode = True  # leaves nothing behind in the folder
import ed25519

SEGMENT = 65_536
TEXT = ("action", "correlation_id", "outcome", "resource_id", "resource_type", "utc_timestamp", "workstation_id")
HEX = re.compile(r"[0-9a-f]{64}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
FIELDS = {"after_hash", "before_hash", "entry_mac", "prior_entry_mac", "schema_version", "sequence_number", "user_id", *TEXT}


class Bad(Exception):
    """The first bad sequence number and what is wrong there."""


class Tree:
    """The Merkle tree of RFC 6962, as a stack of (leaves, root) of complete subtrees."""

    def __init__(self):
        self.peaks = []

    def push(self, root, leaves=1):
        while self.peaks and self.peaks[-1][0] == leaves:
            left = self.peaks.pop()[1]
            root, leaves = hashlib.sha256(b"\1" + left + root).digest(), leaves * 2
        self.peaks.append((leaves, root))

    def root(self):
        root = None
        for _, peak in reversed(self.peaks):
            root = peak if root is None else hashlib.sha256(b"\1" + peak + root).digest()
        return root or hashlib.sha256(b"").digest()


def canonical(value):
    """RFC 8785 for what an entry may hold: sorted keys, no spaces, integers, texts without control characters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def once(pairs):
    """Builds an object and refuses a key that comes twice."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def read_entry(line):
    """Reads one entry; None when the bytes are not one in canonical form."""
    try:
        entry = json.loads(line, object_pairs_hook=once)
        user = entry["user_id"]
        texts = [entry[name] for name in TEXT] + [user["display"], user["id"]]
        plain = all(type(t) is str and len(t.encode()) <= 256 and not re.search("[\0-\x1f\x7f-\x9f]", t) for t in texts)
        hashes = [entry["entry_mac"], entry["prior_entry_mac"]]
        hashes += [entry[name] for name in ("after_hash", "before_hash") if entry[name] is not None]
        numbers = type(entry["sequence_number"]) is int and type(entry["schema_version"]) is int
        good = plain and numbers and all(HEX.match(h) for h in hashes) and TIME.match(entry["utc_timestamp"])
        shape = set(entry) == FIELDS and set(user) == {"display", "id"} and entry["schema_version"] == 1
        in_range = 0 <= entry["sequence_number"] < 2**53
        return entry if good and shape and in_range and canonical(entry) == line else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def open_note(note, name, public):
    """Checks a C2SP signed note and returns the lines of its text; None when it is not genuine."""
    text, blank, last = note.rpartition("\n\n")
    text, start, key = text + "\n", f"— {name} ", b"\1" + public
    if not blank or not last.startswith(start) or not last.endswith("\n"):
        return None
    try:
        signature = base64.b64decode(last[len(start) : -1], validate=True)
    except ValueError:
        return None
    known = signature[:4] == hashlib.sha256(f"{name}\n".encode() + key).digest()[:4]
    return text[:-1].split("\n") if known and ed25519.verify(public, text.encode(), signature[4:]) else None


def b64(data):
    return base64.b64encode(data).decode()


def verify(lines, keys, trusted):
    """Walks the lines of an export; returns what it proves or raises Bad."""
    header = read_header(lines[0])
    chain, first, last = header["chain"], header["from"], header["to"]
    chain_bytes, name = bytes.fromhex(chain.replace("-", "")), f"sealgate/audit/{chain}"
    public = read_public_key(trusted, name)
    if header["public_key"] != trusted:
        raise ValueError("the export names another public key than the trusted one")
    prior, expected, time, sealed = header["prior_mac"], first, "", False
    whole, segment, closed, history, checkpoints = Tree(), None, {}, Tree(), 0

    def mac(segment_number, *parts):
        return hmac.new(bytes.fromhex(keys[str(segment_number)]), b"".join(parts), "sha256").hexdigest()

    if keys is not None and first == 1:
        if "0" not in keys:
            raise Bad(1, "key_missing")
        prior = mac(0, b"genesis", chain_bytes)

    for place, line in enumerate(lines[1:], 1):
        if sealed:
            raise Bad(expected, "malformed")
        if line.startswith(b'{"checkpoint":'):
            bad = Bad(checkpoints * SEGMENT + 1, "checkpoint_bad")
            value = read_small(line, {"checkpoint", "segment"}, bad)
            note = open_note(value["checkpoint"], name, public)
            if note is None or len(note) != 4 or not note[3].startswith("segment "):
                raise bad
            history.push(base64.b64decode(note[3][8:]))
            size = (checkpoints + 1) * SEGMENT
            stated = note[:3] == [name, str(size), b64(history.root())] and value["segment"] == checkpoints
            seen = b64(closed[checkpoints]) == note[3][8:] if checkpoints in closed else True
            if not stated or not seen or size >= expected:
                raise bad
            checkpoints += 1
        elif line.startswith(b'{"seal":'):
            if expected <= last:
                raise Bad(expected, "truncated")
            bad = Bad(first, "checkpoint_bad")
            note = open_note(read_small(line, {"seal"}, bad)["seal"], name, public)
            stated = [f"{name}/export", str(expected - first), b64(whole.root()), f"from {first}"]
            stated.append(f"checkpoints {checkpoints}")
            if note != stated or expected != last + 1:
                raise bad
            sealed = True
        else:
            entry = read_entry(line)
            if entry is None:
                raise Bad(expected, "malformed")
            number = entry["sequence_number"]
            of_segment = max(number - 1, 0) // SEGMENT
            if keys is not None and str(of_segment) in keys:
                unsigned = canonical({key: value for key, value in entry.items() if key != "entry_mac"})
                framed = len(unsigned).to_bytes(4, "big") + unsigned
                if mac(of_segment, b"sealgate/audit/1", chain_bytes, framed) != entry["entry_mac"]:
                    raise Bad(expected, "mac_mismatch")
            if number < expected:
                raise Bad(number, "duplicate")
            if number > expected:
                later = (read_entry(other) for other in lines[place + 1 :])
                there = any(other and other["sequence_number"] == expected for other in later)
                raise Bad(expected, "reorder" if there else "gap")
            if keys is not None and str(of_segment) not in keys:
                raise Bad(expected, "key_missing")
            if entry["prior_entry_mac"] != prior:
                raise Bad(expected, "fork")
            if entry["utc_timestamp"] < time:
                raise Bad(expected, "reorder")
            if number == first and entry["prior_entry_mac"] != header["prior_mac"]:
                raise Bad(expected, "fork")
            prior, time, expected = entry["entry_mac"], entry["utc_timestamp"], expected + 1
            leaf = hashlib.sha256(b"\0" + line).digest()
            whole.push(leaf)
            if (number - 1) % SEGMENT == 0:
                segment = Tree()
            if segment:
                segment.push(leaf)
                if number % SEGMENT == 0:
                    closed[of_segment], segment = segment.root(), None
    if not sealed:
        raise Bad(expected, "truncated")
    return {"chain": chain, "from": first, "to": last, "last_mac": prior, "checkpoints": checkpoints}


def read_small(line, names, bad):
    """Reads a checkpoint or seal line: these members and no others."""
    try:
        value = json.loads(line, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise bad from None
    if set(value) != names or type(value.get("checkpoint", value.get("seal"))) is not str:
        raise bad
    if type(value.get("segment", 0)) is not int or canonical(value) != line:
        raise bad
    return value


def read_header(line):
    """Reads the first line of an export; ValueError when it is not one."""
    header = json.loads(line, object_pairs_hook=once)
    numbers = [header[name] for name in ("sealgate_audit_export", "from", "to")]
    texts = [header[name] for name in ("chain", "prior_mac", "public_key")]
    if not all(type(n) is int for n in numbers) or not all(type(t) is str for t in texts):
        raise ValueError("not the first line of an export")
    shaped = UUID.match(header["chain"]) and HEX.match(header["prior_mac"]) and numbers[0] == 1
    if len(header) != 6 or canonical(header) != line or not shaped or not 1 <= numbers[1] <= numbers[2] + 1 < 2**53:
        raise ValueError("not the first line of an export of this version")
    return header


def read_public_key(text, name):
    """Reads a C2SP verifier key of this name: name+hash+base64."""
    start = len(name) + 10
    key = base64.b64decode(text[start:], validate=True)
    hash4 = hashlib.sha256(f"{name}\n".encode() + key).digest()[:4].hex()
    if text != f"{name}+{hash4}+{b64(key)}" or len(key) != 33 or key[0] != 1:
        raise ValueError("not a public key of this chain")
    return key[1:]


def judge(data, keys, trusted):
    """Judges the bytes of an export; returns the exit code and what to print."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    try:
        return 0, {"verified": True, "macs_checked": keys is not None, **verify(lines, keys, trusted)}
    except Bad as bad:
        return 65, {"verified": False, "first_bad_sequence": bad.args[0], "kind": bad.args[1]}
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as fault:
        return 2, {"verified": None, "fault": str(fault)}


def main():
    parser = argparse.ArgumentParser(description="Verifies an export of a Sealgate audit chain.")
    parser.add_argument("export")
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--key-file", help="segment keys, as `sealgate audit export --key-file` writes them for an auditor")
    given.add_argument("--public-key", help="the chain's public key, known from elsewhere than the export")
    options = parser.parse_args()
    keys, trusted = None, options.public_key
    try:
        with open(options.export, "rb") as file:
            data = file.read()
        if options.key_file:
            with open(options.key_file, "rb") as file:
                given = json.load(file)
            keys, trusted = given["keys"], given["public_key"]
    except (OSError, ValueError, KeyError) as fault:
        print(f"cannot read: {fault}", file=sys.stderr)
        return 2
    code, verdict = judge(data, keys, trusted)
    print(json.dumps(verdict))
    return code


if __name__ == "__main__":
    sys.exit(main())
