//! NTE as annotations.

use r4::json::{self, Array};

use super::log::{Row, parts};
use super::scope::Scope;
use crate::message::Segment;

/// Adds the annotations of the notes behind a segment.
pub(super) fn write<'m>(
    list: &mut Array<'_>,
    notes: &[Segment<'m>],
    row: &Row<'m>,
    element: &'static str,
    scope: &Scope<'m>,
) {
    for annotation in read(notes, row, element, scope) {
        list.raw(&annotation);
    }
}

/// Returns the notes behind a segment as annotations: one line a note and repetition, empty ones kept between others.
///
/// Senders break one comment over many NTE, so that single annotations would be torn sentences. Where a note has an author or
/// time of its own (NTE-5, NTE-6), it is an annotation of its own, between what was said before and after it.
pub(super) fn read<'m>(notes: &[Segment<'m>], row: &Row<'m>, element: &'static str, scope: &Scope<'m>) -> Vec<String> {
    let mut annotations = Vec::new();
    let mut lines = String::new();
    for segment in notes {
        let note = row.beside(*segment);
        note.structural(&[1, 2]);
        let text = text_of(&note, element);
        let author = scope.practitioner(note.take(5, element).first());
        let time = note.take(6, element).text();
        if author.is_none() && time.trim().is_empty() {
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(&text);
        } else if !text.trim().is_empty() {
            push_lines(&mut annotations, &mut lines);
            annotations.push(json::object(|annotation| {
                if let Some(author) = author {
                    author.write(annotation, "authorReference");
                }
                scope.write_moment(annotation, "time", &note, 6, &time);
                annotation.text("text", &text);
            }));
        }
    }
    push_lines(&mut annotations, &mut lines);
    annotations
}

/// Makes an annotation of the lines that were gathered, and empties them.
fn push_lines(annotations: &mut Vec<String>, lines: &mut String) {
    if !lines.trim().is_empty() {
        annotations.push(json::object(|annotation| annotation.text("text", lines)));
    }
    lines.clear();
}

fn text_of(note: &Row<'_>, element: &'static str) -> String {
    let field = note.take(3, element);
    let lines: Vec<_> = field.repetitions().map(|line| line.text()).collect();
    let text = lines.join("\n");
    // NTE-4 says what sort of comment it is; its text stands where the comment has none of its own.
    if text.is_empty() { note.take_parts(4, element, parts(&[2])).component(2).text().into_owned() } else { text }
}
