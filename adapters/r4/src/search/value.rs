//! Splits a parameter's value: `,` between alternatives, `|` between parts, `\` before either for itself (R4 search §3.1.1.3.1).

/// Splits at every `separator` that no backslash precedes; escapes stay in the pieces.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut from = 0usize;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            pieces.push(text.get(from..at).unwrap_or_default());
            from = at.saturating_add(c.len_utf8());
        }
    }
    pieces.push(text.get(from..).unwrap_or_default());
    pieces
}

/// Resolves `\,` `\|` `\$` `\\`; a backslash before anything else stands for itself.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next)) if matches!(next, ',' | '|' | '$' | '\\') => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_keeps_a_separator_inside_its_piece() {
        assert_eq!(split(r"a\,b,c\\,d", ','), [r"a\,b", r"c\\", "d"]);
        assert_eq!(split("", ','), [""]);
        assert_eq!(plain(r"a\,b\|c\$d\\e\f\"), r"a,b|c$d\e\f\");
    }
}
