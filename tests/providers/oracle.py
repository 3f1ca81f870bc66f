"""A second verifier of XML signatures: what our SAML suite accepted and refused is put to signxml.

    python oracle.py FOLDER

FOLDER has a file for each response that was tried: JSON with the document, the certificates (PEM) that the connection trusts, and what
became of it. Prints one table; exit code 1 where the two disagree in a way that the table below does not explain.
"""
import collections
import json
import pathlib
import signal
import sys
import warnings

from lxml import etree
from signxml import XMLVerifier

# Seconds that signxml may take for one signature: some documents are made to take a verifier's time.
LONGEST = 2

DS = "{http://www.w3.org/2000/09/xmldsig#}"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"

# Why a response may be refused though signxml finds a good signature in it, by the reason that the audit entry gives. Nothing here may be
# a matter of the signature's arithmetic alone: there the two must agree.
STRICTER = {
    "structure": "a signature says nothing of what stands around it; a document that is not built as one response is never looked into",
    "form": "signxml follows any reference, transform and algorithm that it knows; here one reference to the parent, two transforms, SHA-2",
    "judged": "the signature is good; whom it is for, when, and in answer to what is none of signxml's business",
    "every": "of several signatures signxml finds a good one; here every signature must be good",
    "used": "the signature is good, and was good before: a response counts once",
}


def accepted(entry):
    """Returns the names (NameID and attributes) in what signxml finds signed by a trusted key, none where it finds nothing; and how
    many signatures there are that it does not find good."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(entry["document"].encode(), parser)
    except etree.XMLSyntaxError:
        return set(), 0
    names, bad = set(), 0
    for signature in root.iter(f"{DS}Signature"):
        parent = signature.getparent()
        if parent is None or parent.tag.rpartition("}")[2] not in ("Response", "Assertion"):
            continue
        try:
            alone = etree.fromstring(etree.tostring(parent, with_tail=False), parser)
        except etree.XMLSyntaxError:
            continue
        bad += 1
        for certificate in entry["certificates"]:
            signal.setitimer(signal.ITIMER_REAL, LONGEST)
            try:
                found = XMLVerifier().verify(alone, x509_cert=certificate, require_x509=False, id_attribute="ID")
            except Exception:
                continue
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            signed = found.signed_xml if not isinstance(found, list) else found[0].signed_xml
            bad -= 1
            for element in ("NameID", "AttributeValue"):
                names.update((name.text or "").strip() for name in signed.iter(f"{ASSERTION}{element}"))
            names.update("(encrypted)" for _ in signed.iter(f"{ASSERTION}EncryptedAssertion"))
            break
    return names, bad


def too_long(*_):
    raise TimeoutError


def main():
    signal.signal(signal.SIGALRM, too_long)
    warnings.simplefilter("ignore")
    rows = collections.Counter()
    wrong = []
    entries = [json.loads(path.read_text()) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json"))]
    for entry in entries:
        (theirs, bad), ours = accepted(entry), entry["accepted"]
        kind = "every" if entry["kind"] == "signature" and bad > 0 else entry["kind"]
        sealed = "EncryptedAssertion" in entry["document"]
        if ours is not None:
            agree = ours in theirs or "(encrypted)" in theirs
            if not agree and sealed:
                rows["accepted: what is signed is encrypted, signxml does not see it"] += 1
            elif agree:
                rows["accepted by both, in the same name"] += 1
            else:
                wrong.append(f"accepted as {ours}, signxml: {sorted(theirs) or 'refused'}")
        elif not theirs:
            rows["refused by both" + (", or encrypted" if sealed else "")] += 1
        elif kind in STRICTER:
            rows[f"refused here alone, {kind}: {STRICTER[kind]}"] += 1
        else:
            wrong.append(f"refused ({entry['reason']}), signxml: {sorted(theirs)}")
    for row, count in sorted(rows.items()):
        print(f"{count:6}  {row}")
    for line in sorted(set(wrong)):
        print(f"UNEXPLAINED {wrong.count(line)}: {line}")
    done = len(entries) - len(wrong)
    print(f"saml oracle: {done} agreed or explained, {len(wrong)} unexplained")
    return 1 if wrong or len(entries) < 50 else 0


sys.exit(main())
