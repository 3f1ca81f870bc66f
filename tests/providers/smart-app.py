"""A SMART application made of the PyPI package fhirclient: smart-app.py BASE CLIENT_ID REDIRECT SCOPE

Prints where a browser must go, reads the address that it came back to, and prints as JSON what it could do.
"""
import json
import sys

from fhirclient import client
from fhirclient.models.diagnosticreport import DiagnosticReport

base, client_id, redirect, scope = sys.argv[1:]
smart = client.FHIRClient(
    settings={"app_id": client_id, "api_base": base, "redirect_uri": redirect, "scope": scope}
)
# Reads the CapabilityStatement, strictly, and finds our addresses in it.
print(smart.authorize_url, flush=True)
smart.handle_callback(sys.stdin.readline().strip())
patient = smart.patient
reports = DiagnosticReport.where({"patient": smart.patient_id}).perform_resources(smart.server)
print(json.dumps({"patient": patient.id, "family": patient.name[0].family, "reports": len(reports)}), flush=True)
