//! SMART on FHIR: how applications and systems get access tokens.
