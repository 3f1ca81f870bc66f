//! Paths and methods by a table: how an endpoint is found.

use actix_web::http::Method;

/// Finds the row of a table whose pattern a path fits, and what stands in the path for the parts of the pattern in braces, which is never
/// nothing. A pattern that is written out goes before one with braces; of several with braces the first in the table is it.
pub fn find<'t, 'p, T>(
    table: &'t [T],
    pattern: impl Fn(&T) -> &'static str,
    path: &'p str,
) -> Option<(&'t T, Vec<&'p str>)> {
    let fitting = || table.iter().filter(|row| fits(pattern(row), path));
    let row = fitting().find(|row| !pattern(row).contains('{')).or_else(|| fitting().next())?;
    let parts = pattern(row).split('/').zip(path.split('/'));
    Some((row, parts.filter(|(wanted, _)| is_any(wanted)).map(|(_, part)| part).collect()))
}

/// Says whether methods, written as the header `Allow` has them (`GET, POST`), have this one among them.
#[must_use]
pub fn allows(methods: &str, method: &Method) -> bool {
    methods.split(", ").any(|allowed| allowed == method.as_str())
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted == part || is_any(wanted) && !part.is_empty() => {}
            _ => return false,
        }
    }
}

fn is_any(wanted: &str) -> bool {
    wanted.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[&str] = &["users", "users/{user}", "users/.search", "users/{user}/keys/{key}", "/leading/{any}"];

    fn found(path: &str) -> Option<(&'static str, Vec<&str>)> {
        find(TABLE, |row| row, path).map(|(row, parts)| (*row, parts))
    }

    #[test]
    fn a_path_fits_one_pattern_and_fills_its_braces() {
        assert_eq!(found("users"), Some(("users", vec![])));
        assert_eq!(found("users/1"), Some(("users/{user}", vec!["1"])));
        assert_eq!(found("users/1/keys/2"), Some(("users/{user}/keys/{key}", vec!["1", "2"])));
        assert_eq!(found("/leading/x"), Some(("/leading/{any}", vec!["x"])));
        assert_eq!(found("users/.search"), Some(("users/.search", vec![])), "what is written out goes first");
        for none in ["", "Users", "users/", "users//keys/2", "users/1/keys/", "users/1/keys", "leading/x", "users/1/2"]
        {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn a_method_is_allowed_by_its_whole_name() {
        assert!(allows("GET, POST", &Method::POST) && allows("GET", &Method::GET));
        assert!(!allows("GET, POST", &Method::PUT) && !allows("", &Method::GET) && !allows("GETS", &Method::GET));
    }
}
