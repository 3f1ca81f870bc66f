//! ED values as documents: decoded, checked by their first bytes, and encoded anew.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use domain::id::RecordId;
use r4::json::{self, Object};

use super::code::write_absent;
use super::issue::Issue;
use super::log::Row;
use crate::message::Repetition;

/// A document as an Attachment.
pub(super) struct Document {
    /// The id of the observation it came in, by which a later message finds it again, and its place there behind the first.
    id: String,
    content_type: &'static str,
    title: String,
    bytes: Vec<u8>,
}

impl Document {
    /// A long text as a document.
    pub(super) fn of_text(source: RecordId, place: usize, text: &str, title: &str) -> Self {
        Self {
            id: id_of(source, place),
            content_type: "text/plain",
            title: title.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    /// A document that is announced: an Attachment that says only that.
    pub(super) fn awaited(source: RecordId) -> Self {
        Self { id: id_of(source, 0), content_type: "", title: String::new(), bytes: Vec::new() }
    }

    /// The Attachment with its content, for the report; its `id` begins with that of the observation it came in.
    pub(super) fn whole(&self) -> String {
        json::object(|attachment| {
            attachment.text("id", &self.id);
            if self.bytes.is_empty() {
                write_absent(attachment, "unknown");
                return;
            }
            self.write_heading(attachment);
            attachment.text("data", &STANDARD.encode(&self.bytes));
            self.write_size(attachment);
        })
    }

    /// Writes the members of an Attachment without its content, for the observation: the report presents it.
    pub(super) fn write_summary(&self, attachment: &mut Object<'_>) {
        self.write_heading(attachment);
        self.write_size(attachment);
    }

    fn write_heading(&self, attachment: &mut Object<'_>) {
        attachment.text("contentType", self.content_type);
        attachment.text("title", &self.title);
    }

    fn write_size(&self, attachment: &mut Object<'_>) {
        attachment.integer("size", u64::try_from(self.bytes.len()).unwrap_or(u64::MAX));
    }
}

/// Reads the documents of the rows of one observation.
///
/// A document may be cut over rows with the same code and sub-id; when only the first part has the beginning of a document, the parts are put
/// together. What cannot be decoded is kept as the text it came as, and called nothing else.
pub(super) fn read<'m>(source: RecordId, rows: &[(Row<'m>, Repetition<'m>)], title: &str) -> Vec<Document> {
    let parts: Vec<Part> = rows.iter().map(|(_, value)| Part::read(*value)).collect();
    let Some((first_row, _)) = rows.first() else {
        return Vec::new();
    };
    let cut = parts.len() > 1
        && parts.iter().skip(1).all(|part| part.decode().is_none_or(|bytes| recognise(&bytes).is_none()));
    if let (true, Some(first)) = (cut, parts.first()) {
        let whole = Part {
            claimed: first.claimed,
            encoding: first.encoding,
            text: parts.iter().map(|part| part.text.as_str()).collect(),
        };
        if whole.decode().is_some_and(|bytes| recognise(&bytes).is_some()) {
            return vec![whole.into_document(id_of(source, 0), first_row, title)];
        }
    }
    let placed = parts.into_iter().zip(rows).enumerate();
    placed.map(|(place, (part, (row, _)))| part.into_document(id_of(source, place), row, title)).collect()
}

fn id_of(source: RecordId, place: usize) -> String {
    match place.checked_add(1) {
        Some(number) if place > 0 => format!("{source}-{number}"),
        _ => source.to_string(),
    }
}

/// One ED value: what it claims to be, and its text without line breaks.
struct Part {
    claimed: &'static str,
    encoding: Encoding,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    Hex,
    /// No encoding: the text itself.
    Plain,
    /// None was named.
    Unnamed,
}

impl Part {
    fn read(value: Repetition<'_>) -> Part {
        let name = |number: usize| value.component(number).text().trim().to_ascii_uppercase();
        let mut encoding = match name(4).as_str() {
            "BASE64" | "B64" | "BASE-64" => Encoding::Base64,
            "HEX" => Encoding::Hex,
            "A" | "8BIT" | "ASCII" => Encoding::Plain,
            _ => Encoding::Unnamed,
        };
        // Some senders put nothing but the base64 into the field.
        let bare = value.component_count() < 2;
        if bare {
            encoding = Encoding::Unnamed;
        }
        let text = value.component(if bare { 1 } else { 5 }).text();
        let text =
            if encoding == Encoding::Plain { text.into_owned() } else { text.split_ascii_whitespace().collect() };
        Part { claimed: claimed_type(&name(2), &name(3)), encoding, text }
    }

    fn decode(&self) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Base64 => LENIENT.decode(&self.text).ok(),
            Encoding::Hex => decode_hex(&self.text),
            Encoding::Plain => Some(self.text.clone().into_bytes()),
            Encoding::Unnamed => LENIENT.decode(&self.text).ok().filter(|bytes| recognise(bytes).is_some()),
        }
        .filter(|bytes| !bytes.is_empty())
    }

    fn into_document(self, id: String, row: &Row<'_>, title: &str) -> Document {
        let title = title.to_owned();
        let Some(bytes) = self.decode() else {
            row.issue(5, Issue::AttachmentUndecodable);
            return Document { id, content_type: "text/plain", title, bytes: self.text.into_bytes() };
        };
        let content_type = match recognise(&bytes) {
            Some(found) if found == self.claimed => found,
            // Word and other office files are archives; the claim says which.
            Some("application/zip") if self.claimed != PDF && self.claimed != RTF => self.claimed,
            Some(found) => {
                if self.claimed != BYTES {
                    row.issue(5, Issue::AttachmentMismatch);
                }
                found
            }
            None if has_mark(self.claimed) => {
                row.issue(5, Issue::AttachmentMismatch);
                BYTES
            }
            None => self.claimed,
        };
        Document { id, content_type, title, bytes }
    }
}

const PDF: &str = "application/pdf";
const RTF: &str = "application/rtf";
const BYTES: &str = "application/octet-stream";

/// Decodes base64 with or without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The media type that ED.2 and ED.3 claim (tables 0191 and 0291), in capitals; senders put the type into either.
fn claimed_type(kind: &str, subtype: &str) -> &'static str {
    for name in [subtype, kind] {
        let name = name.rsplit('/').next().unwrap_or(name);
        let known = match name {
            "PDF" => PDF,
            "RTF" => RTF,
            "HTML" | "XHTML" | "HTM" => "text/html",
            "XML" | "X-HL7-CDA-LEVEL-ONE" | "CDA" => "application/xml",
            "PLAIN" | "TXT" => "text/plain",
            "JPEG" | "JPG" => "image/jpeg",
            "PNG" => "image/png",
            "GIF" => "image/gif",
            "TIFF" | "TIF" => "image/tiff",
            "DICOM" => "application/dicom",
            "DOC" | "MSWORD" | "WORD" => "application/msword",
            "DOCX" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            _ => continue,
        };
        return known;
    }
    if kind == "TEXT" || kind == "FT" { "text/plain" } else { BYTES }
}

/// Whether files of a type begin with a mark that [`recognise`] looks for.
fn has_mark(content_type: &str) -> bool {
    MARKS.iter().any(|(_, known)| *known == content_type)
}

const MARKS: &[(&[u8], &str)] = &[
    (b"%PDF", PDF),
    (b"{\\rtf", RTF),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
];

/// The media type that the first bytes show.
fn recognise(bytes: &[u8]) -> Option<&'static str> {
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, content_type)| *content_type)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = Vec::with_capacity(text.len().div_ceil(2));
    for pair in text.as_bytes().chunks(2) {
        let &[high, low] = pair else {
            return None;
        };
        bytes.push((value(high)? << 4) | value(low)?);
    }
    Some(bytes)
}
