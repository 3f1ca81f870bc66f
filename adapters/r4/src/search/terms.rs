//! The index terms of a resource, read from its content by the table that questions are read by: what a question
//! asks the index for, this has put there.

use super::date;
use super::reference;
use super::table::{Class, Index, Parameter, Shape, parameters, term_kind};
use crate::scan::Json;
use domain::index::{Field, Term};
use domain::kind::Kind;

/// Returns the terms by which a resource must be indexed, without repeats.
///
/// A writer may add more; with fewer, a search misses what it should find.
#[must_use]
pub fn terms(kind: Kind, content: &str) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    let resource = Json::of(content);
    for parameter in parameters(kind) {
        for path in parameter.paths {
            resource.any(path, &mut |value| {
                for (field, value) in indexed(parameter, value) {
                    let term = Term { kind: term_kind(kind), field, value };
                    if !terms.contains(&term) {
                        terms.push(term);
                    }
                }
                false
            });
        }
    }
    terms
}

fn indexed(parameter: &Parameter, value: Json<'_>) -> Vec<(Field, String)> {
    let text = |value: Option<Json<'_>>| value.and_then(Json::string).map(|text| text.into_owned());
    match (parameter.index, parameter.class) {
        (Index::None, _) => Vec::new(),
        (Index::Whole(field), Class::Reference(only)) => {
            let found = text(value.get("reference"));
            let target = found.as_deref().and_then(|text| reference::target(text, ""));
            match (target, only) {
                (Some((kind, _)), Some(only)) if kind != only => Vec::new(),
                (Some((_, id)), _) => vec![(field, id.to_owned())],
                (None, _) => found.into_iter().map(|found| (field, found)).collect(),
            }
        }
        (Index::Whole(field), Class::Token(Shape::Concept)) => {
            let mut codes = Vec::new();
            value.any(&["coding", "code"], &mut |code| {
                codes.extend(text(Some(code)).map(|code| (field, code)));
                false
            });
            codes
        }
        (Index::Whole(field), Class::Token(Shape::Identifier)) => {
            text(value.get("value")).map(|value| (field, value)).into_iter().collect()
        }
        (Index::Whole(field), Class::Token(Shape::Coding)) => {
            text(value.get("code")).map(|code| (field, code)).into_iter().collect()
        }
        (Index::Whole(field) | Index::Date(field), _) => {
            text(Some(value)).map(|text| (field, text)).into_iter().collect()
        }
        (Index::Calendar, _) => {
            let day = date::first_day(value).map(|day| (Field::Day, day));
            let month = date::first_month(value).map(|month| (Field::Month, month));
            day.into_iter().chain(month).collect()
        }
    }
}
