//! One parameter of a question: what must hold for a resource, and what the index can say about it.

use super::reference;
use super::table::{Class, Index, Parameter, Shape, term_kind};
use super::text::{How, Text};
use super::token::Token;
use super::value::plain;
use super::{Fault, Settings, alternatives, date};
use crate::scan::{Json, Member};
use domain::index::{Field, Term};
use domain::kind::Kind;

/// One parameter of a question; repeated parameters are tests of their own.
pub(super) struct Test {
    pub(super) parameter: &'static Parameter,
    base: String,
    condition: Condition,
}

enum Condition {
    Missing(bool),
    Tokens { any_of: Vec<Token>, shape: Shape, not: bool },
    References { any_of: Vec<reference::Asked>, only: Option<&'static str> },
    ReferenceIdentifiers(Vec<Token>),
    Dates(Vec<date::Asked>),
    Texts(Vec<Text>),
}

impl Test {
    /// Reads the modifier and the alternatives of one parameter.
    pub(super) fn read(
        parameter: &'static Parameter,
        modifier: Option<&str>,
        value: &str,
        settings: Settings<'_>,
    ) -> Result<Test, Fault> {
        let name = parameter.name;
        let condition = match (parameter.class, modifier) {
            (_, Some("missing")) => match value {
                "true" => Condition::Missing(true),
                "false" => Condition::Missing(false),
                _ => return Err(Fault::Value(name)),
            },
            (Class::Token(shape), None | Some("not")) => {
                Condition::Tokens { any_of: alternatives(name, value, Token::read)?, shape, not: modifier.is_some() }
            }
            (Class::Reference(_), Some("identifier")) => {
                Condition::ReferenceIdentifiers(alternatives(name, value, Token::read)?)
            }
            (Class::Reference(only), of) => {
                if of.is_some_and(|of| !reference::is_type(of)) {
                    return Err(Fault::UnknownModifier(name));
                }
                let read = |text: &str| reference::Asked::read(&plain(text), settings.base, of);
                Condition::References { any_of: alternatives(name, value, read)?, only }
            }
            (Class::Date, None) => {
                Condition::Dates(alternatives(name, value, |text| date::Asked::read(&plain(text), settings.now))?)
            }
            (Class::Text, None | Some("exact" | "contains")) => {
                let how = match modifier {
                    Some("exact") => How::Exact,
                    Some(_) => How::Contains,
                    None => How::Starts,
                };
                Condition::Texts(alternatives(name, value, |text| Text::read(&plain(text), how))?)
            }
            _ => return Err(Fault::UnknownModifier(name)),
        };
        Ok(Test { parameter, base: settings.base.to_owned(), condition })
    }

    /// Says whether a resource passes, given its members.
    pub(super) fn passes(&self, members: &[Member<'_>]) -> bool {
        let any = |visit: &mut dyn FnMut(Json<'_>) -> bool| self.any(members, visit);
        match &self.condition {
            Condition::Missing(missing) => any(&mut |value| self.counts(value)) != *missing,
            Condition::Tokens { any_of, shape, not } => {
                any(&mut |value| any_of.iter().any(|token| token.fits(*shape, value))) != *not
            }
            Condition::References { any_of, only } => {
                any(&mut |value| any_of.iter().any(|asked| asked.fits(*only, &self.base, value)))
            }
            Condition::ReferenceIdentifiers(any_of) => any(&mut |value| {
                let identifier = value.get("identifier");
                identifier.is_some_and(|id| any_of.iter().any(|token| token.fits(Shape::Identifier, id)))
            }),
            Condition::Dates(any_of) => any(&mut |value| any_of.iter().any(|date| date.fits(value))),
            Condition::Texts(any_of) => any(&mut |value| any_of.iter().any(|text| text.fits(value))),
        }
    }

    /// Returns terms one of which every resource that passes has; `None` when the index cannot help.
    pub(super) fn terms(&self, kind: Kind) -> Option<Vec<Term>> {
        let whole = match self.parameter.index {
            Index::None => return None,
            Index::Whole(field) | Index::Date(field) => field,
            Index::Calendar => Field::Day,
        };
        let term = |field: Field, value: String| Term { kind: term_kind(kind), field, value };
        match &self.condition {
            Condition::Missing(_) | Condition::ReferenceIdentifiers(_) | Condition::Tokens { not: true, .. } => None,
            Condition::Tokens { any_of, .. } => {
                any_of.iter().map(|token| token.code().map(|code| term(whole, code.to_owned()))).collect()
            }
            Condition::References { any_of, .. } => {
                Some(any_of.iter().map(|asked| term(whole, asked.indexed().to_owned())).collect())
            }
            Condition::Texts(any_of) => {
                any_of.iter().map(|text| text.exact().map(|text| term(whole, text.to_owned()))).collect()
            }
            Condition::Dates(any_of) => {
                let mut terms = Vec::new();
                for date in any_of {
                    match (whole, date.days(), date.month()) {
                        (Field::Day, Some(days), _) => terms.extend(days.into_iter().map(|day| term(Field::Day, day))),
                        (Field::Day, None, Some(month)) => terms.push(term(Field::Month, month)),
                        (Field::Day, None, None) => return None,
                        (field, ..) => terms.push(term(field, date.date()?)),
                    }
                }
                Some(terms)
            }
        }
    }

    fn any(&self, members: &[Member<'_>], visit: &mut dyn FnMut(Json<'_>) -> bool) -> bool {
        self.parameter.paths.iter().any(|path| {
            let Some((first, rest)) = path.split_first() else {
                return false;
            };
            members.iter().any(|member| member.is(first) && member.value.any(rest, visit))
        })
    }

    /// Says whether a value is there for `:missing`: of the type that the parameter is about, and not null.
    fn counts(&self, value: Json<'_>) -> bool {
        let Class::Reference(Some(only)) = self.parameter.class else {
            return value.text() != "null";
        };
        let text = value.get("reference").and_then(Json::string);
        text.is_some_and(|text| reference::target(&text, &self.base).is_some_and(|(kind, _)| kind == only))
    }
}
