//! Which interaction a method and a path mean (R4 http §3.1.0).

use actix_web::http::Method;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::write::Version;
use form::route::allows;

/// An interaction that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET metadata`.
    Metadata,
    /// `GET Type/id`.
    Read(Kind, Option<RecordId>),
    /// `GET Type/id/_history/version`.
    Version(Kind, Option<RecordId>, Option<Version>),
    /// `GET Type/id/_history`.
    History(Kind, Option<RecordId>),
    /// `GET Type?…`, `GET|POST Type/_search`.
    Search(Kind),
    /// `GET Patient/id/Type?…`: the search within a patient's compartment.
    OfPatient(Kind, Option<RecordId>),
}

/// Why a method and a path mean nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// The path names no type that is served, or nothing at all.
    Unknown,
    /// The path is served, by these methods only.
    NotAllowed(&'static str),
}

const READING: &str = "GET, HEAD";
const SEARCHING: &str = "GET, HEAD, POST";

/// What a path means, before its method and its parts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Metadata,
    Search,
    Read,
    History,
    OfPatient,
    Version,
}

/// Everything that is served below the FHIR address, with the methods of each; where two rows fit, the first. A part in braces stands
/// for any one part.
const TABLE: &[(Shape, &str, &str)] = &[
    (Shape::Metadata, "/metadata", READING),
    (Shape::Search, "/{type}", READING),
    (Shape::Search, "/{type}/_search", SEARCHING),
    (Shape::Read, "/{type}/{id}", READING),
    (Shape::History, "/{type}/{id}/_history", READING),
    (Shape::OfPatient, "/Patient/{id}/{type}", READING),
    (Shape::Version, "/{type}/{id}/_history/{version}", READING),
];

/// Returns the paths below the FHIR address with their methods, as the `Allow` header says them.
pub(crate) fn paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(_, path, allowed)| (*path, *allowed))
}

impl Route {
    /// Reads a method and the path below the FHIR address.
    ///
    /// An id that cannot be ours is `None`: it is nobody's, and answered like any other absent one.
    pub(crate) fn read(method: &Method, path: &str) -> Result<Route, NoRoute> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let found = TABLE.iter().find_map(|row| parts(row.1, path).map(|parts| (row, parts)));
        let (&(shape, _, allowed), parts) = found.ok_or(NoRoute::Unknown)?;
        let kind = || Kind::from_name(parts.kind).filter(|kind| kind.is_fhir()).ok_or(NoRoute::Unknown);
        let id = || parts.id.parse().ok();
        let route = match shape {
            Shape::Metadata => Route::Metadata,
            Shape::Search => Route::Search(kind()?),
            Shape::Read => Route::Read(kind()?, id()),
            Shape::History => Route::History(kind()?, id()),
            Shape::OfPatient => Route::OfPatient(kind().and_then(of_patients)?, id()),
            Shape::Version => Route::Version(kind()?, id(), version_number(parts.version)),
        };
        let serves = allows(allowed, method);
        if serves { Ok(route) } else { Err(NoRoute::NotAllowed(allowed)) }
    }
}

/// The parts of a path that stand in braces.
#[derive(Default)]
struct Parts<'a> {
    kind: &'a str,
    id: &'a str,
    version: &'a str,
}

fn parts<'a>(pattern: &str, path: &'a str) -> Option<Parts<'a>> {
    let (mut wanted, mut given, mut parts) = (pattern.split('/'), path.split('/'), Parts::default());
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parts),
            (Some("{type}"), Some(kind)) => parts.kind = kind,
            (Some("{id}"), Some(id)) => parts.id = id,
            (Some("{version}"), Some(version)) => parts.version = version,
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

/// Lets through what belongs to patients.
fn of_patients(kind: Kind) -> Result<Kind, NoRoute> {
    let has_patient = r4::search::parameters(kind).iter().any(|parameter| parameter.name == "patient");
    if has_patient { Ok(kind) } else { Err(NoRoute::Unknown) }
}

fn version_number(text: &str) -> Option<Version> {
    (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190a1b2-0000-8000-8000-000000000001";

    #[test]
    fn each_path_means_one_interaction() {
        let id = ID.parse().ok();
        let report = Kind::DiagnosticReport;
        for (path, route) in [
            ("/metadata".to_owned(), Route::Metadata),
            ("/DiagnosticReport".to_owned(), Route::Search(report)),
            ("/DiagnosticReport/".to_owned(), Route::Search(report)),
            ("/DiagnosticReport/_search".to_owned(), Route::Search(report)),
            (format!("/DiagnosticReport/{ID}"), Route::Read(report, id)),
            (format!("/DiagnosticReport/{ID}/_history"), Route::History(report, id)),
            (format!("/DiagnosticReport/{ID}/_history/12"), Route::Version(report, id, Some(12))),
            (format!("/DiagnosticReport/{ID}/_history/+1"), Route::Version(report, id, None)),
            (format!("/Patient/{ID}/DiagnosticReport"), Route::OfPatient(report, id)),
            ("/Patient/example".to_owned(), Route::Read(Kind::Patient, None)),
        ] {
            assert_eq!(Route::read(&Method::GET, &path), Ok(route), "{path}");
            assert_eq!(Route::read(&Method::HEAD, &path), Ok(route), "{path}");
        }
    }

    #[test]
    fn what_is_not_served_is_unknown_or_not_allowed() {
        for path in [
            "",
            "/",
            "/Medication",
            "/patient",
            "/Hl7Message",
            "/Tenant/1",
            "/Patient/1/Practitioner",
            "/Patient/1/2/3/4/5",
        ] {
            assert_eq!(Route::read(&Method::GET, path), Err(NoRoute::Unknown), "{path}");
        }
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST, Method::OPTIONS] {
            let allowed = Err(NoRoute::NotAllowed(READING));
            assert_eq!(Route::read(&method, "/Patient/1"), allowed);
            assert_eq!(Route::read(&method, "/metadata"), allowed);
            assert_eq!(Route::read(&method, "/Patient/1/_history/1"), allowed);
        }
        assert_eq!(Route::read(&Method::POST, "/Patient"), Err(NoRoute::NotAllowed(READING)));
        assert_eq!(Route::read(&Method::PUT, "/Patient/_search"), Err(NoRoute::NotAllowed(SEARCHING)));
        assert_eq!(Route::read(&Method::POST, "/Patient/_search"), Ok(Route::Search(Kind::Patient)));
    }
}
