//! Which interaction a method and a path mean (R4 http §3.1.0).

use actix_web::http::Method;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::write::Version;

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

impl Route {
    /// Reads a method and the path below the FHIR address.
    ///
    /// An id that cannot be ours is `None`: it is nobody's, and answered like any other absent one.
    pub(crate) fn read(method: &Method, path: &str) -> Result<Route, NoRoute> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').take(6).collect();
        let served = |name: &str| Kind::from_name(name).filter(|kind| kind.is_fhir()).ok_or(NoRoute::Unknown);
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let only = |allowed, route| if reads { Ok(route) } else { Err(NoRoute::NotAllowed(allowed)) };
        match segments.as_slice() {
            ["metadata"] => only(READING, Route::Metadata),
            [kind] => {
                let kind = served(kind)?;
                only(READING, Route::Search(kind))
            }
            [kind, "_search"] => {
                let kind = served(kind)?;
                if *method == Method::POST { Ok(Route::Search(kind)) } else { only(SEARCHING, Route::Search(kind)) }
            }
            [kind, id] => {
                let kind = served(kind)?;
                only(READING, Route::Read(kind, id.parse().ok()))
            }
            [kind, id, "_history"] => {
                let kind = served(kind)?;
                only(READING, Route::History(kind, id.parse().ok()))
            }
            ["Patient", id, kind] => {
                let kind = served(kind)?;
                let has_patient = r4::search::parameters(kind).iter().any(|parameter| parameter.name == "patient");
                if !has_patient {
                    return Err(NoRoute::Unknown);
                }
                only(READING, Route::OfPatient(kind, id.parse().ok()))
            }
            [kind, id, "_history", version] => {
                let kind = served(kind)?;
                only(READING, Route::Version(kind, id.parse().ok(), version_number(version)))
            }
            _ => Err(NoRoute::Unknown),
        }
    }
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
