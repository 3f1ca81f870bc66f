//! Bundles put together as text around resources that stay exactly as they are.

use crate::json::{self, Array};
use crate::meta::with_meta;
use crate::outcome::{self, IssueSeverity, IssueType};
use domain::retrieval::{History, Page, Resource};

/// Where a bundle says its pages are.
pub struct Links {
    /// This page, as the question was understood.
    pub this: String,
    /// The page after it.
    pub next: Option<String>,
}

/// Renders the answer to a search; `base` is our FHIR address, `ignored` how many parameters were left out.
#[must_use]
pub fn searchset(base: &str, page: &Page, links: &Links, ignored: usize) -> String {
    bundle("searchset", page.total, links, |entries| {
        for (mode, resources) in [("match", &page.matches), ("include", &page.included)] {
            for resource in resources {
                entries.object(|entry| {
                    entry.text("fullUrl", &full_url(base, resource));
                    entry.raw("resource", &with_meta(&resource.content, resource.version, resource.last_updated));
                    entry.object("search", |search| search.text("mode", mode));
                });
            }
        }
        if ignored > 0 {
            let text = "search parameters that are not supported were left out; the self link says what was asked";
            entries.object(|entry| {
                entry.raw("resource", &outcome::render(IssueSeverity::Warning, IssueType::NotSupported, text));
                entry.object("search", |search| search.text("mode", "outcome"));
            });
        }
    })
}

/// Renders the versions of one resource, newest first.
#[must_use]
pub fn history(base: &str, history: &History, links: &Links) -> String {
    bundle("history", history.total.map(u64::from), links, |entries| {
        for resource in &history.entries {
            entries.object(|entry| {
                entry.text("fullUrl", &full_url(base, resource));
                entry.raw("resource", &with_meta(&resource.content, resource.version, resource.last_updated));
                let first = resource.version == 1;
                entry.object("request", |request| {
                    request.text("method", if first { "POST" } else { "PUT" });
                    let url = resource.kind.name();
                    request.text("url", &if first { url.to_owned() } else { format!("{url}/{}", resource.id) });
                });
                entry.object("response", |response| {
                    response.text("status", if first { "201" } else { "200" });
                    response.text("etag", &format!("W/\"{}\"", resource.version));
                    response.text("lastModified", &resource.last_updated.rfc3339());
                });
            });
        }
    })
}

fn bundle(kind: &str, total: Option<u64>, links: &Links, write: impl FnOnce(&mut Array<'_>)) -> String {
    json::object(|bundle| {
        bundle.text("resourceType", "Bundle");
        bundle.text("type", kind);
        if let Some(total) = total {
            bundle.integer("total", total);
        }
        bundle.array("link", |list| {
            let relations = [("self", Some(&links.this)), ("next", links.next.as_ref())];
            for (relation, url) in relations.into_iter().filter_map(|(relation, url)| Some((relation, url?))) {
                list.object(|link| {
                    link.text("relation", relation);
                    link.text("url", url);
                });
            }
        });
        bundle.array("entry", write);
    })
}

fn full_url(base: &str, resource: &Resource) -> String {
    format!("{base}/{}/{}", resource.kind.name(), resource.id)
}
