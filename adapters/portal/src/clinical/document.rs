//! Documents that are attached to a report.

use super::read::{each, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use r4::scan::Json;

/// One attached document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// Its number on the report, from 1.
    pub(crate) number: usize,
    /// What it is called.
    pub(crate) title: String,
    /// Its format in words.
    pub(crate) format: &'static str,
    /// Its size in words; empty when there is nothing to download.
    pub(crate) size: String,
}

/// Returns the documents of a report that have content.
pub(crate) fn documents(content: &str) -> Vec<Document> {
    let forms = each(Json::of(content), "presentedForm");
    let mut found = Vec::new();
    for (at, form) in forms.into_iter().enumerate() {
        let Some(data) = form.get("data").map(Json::text) else { continue };
        let title = text(form, "title");
        found.push(Document {
            number: at.saturating_add(1),
            title: if title.is_empty() { "Document".to_owned() } else { title },
            format: Format::of(&text(form, "contentType")).name,
            // Four characters carry three bytes; the quotes and the padding do not matter to people.
            size: size_in_words(data.len().saturating_sub(2).saturating_mul(3).div_euclid(4)),
        });
    }
    found
}

/// A document to be handed out.
pub(crate) struct Download {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// The media type, one of a few that browsers do not run.
    pub(crate) media: &'static str,
    /// A file name of ASCII letters, digits and dashes.
    pub(crate) name: String,
}

impl Document {
    /// Decodes one document of a report by its number; `None` when there is none or it does not decode.
    pub(crate) fn open(content: &str, number: usize) -> Option<Download> {
        let form = each(Json::of(content), "presentedForm").into_iter().nth(number.checked_sub(1)?)?;
        let bytes = STANDARD.decode(form.get("data")?.string()?.as_bytes()).ok()?;
        let format = Format::of(&text(form, "contentType"));
        Some(Download { bytes, media: format.media, name: format!("document-{number}.{}", format.ending) })
    }
}

/// A format in which documents are handed out.
struct Format {
    media: &'static str,
    name: &'static str,
    ending: &'static str,
}

impl Format {
    /// Returns the format of a media type; everything else, HTML and SVG above all, is handed out as bytes.
    fn of(media: &str) -> Format {
        let known = |media, name, ending| Format { media, name, ending };
        match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/pdf" => known("application/pdf", "PDF", "pdf"),
            "text/plain" => known("text/plain; charset=utf-8", "Text", "txt"),
            "image/jpeg" => known("image/jpeg", "JPEG picture", "jpg"),
            "image/png" => known("image/png", "PNG picture", "png"),
            "image/tiff" => known("image/tiff", "TIFF picture", "tif"),
            "application/dicom" => known("application/dicom", "DICOM object", "dcm"),
            "text/rtf" | "application/rtf" => known("application/rtf", "RTF text", "rtf"),
            _ => known("application/octet-stream", "File", "bin"),
        }
    }
}

fn size_in_words(bytes: usize) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KB", bytes.div_euclid(1_024)),
        _ => format!("{} MB", bytes.div_euclid(1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_run_is_handed_out_as_bytes() {
        for media in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "", "TEXT/HTML; x=y"] {
            assert_eq!(Format::of(media).media, "application/octet-stream", "{media}");
        }
        assert_eq!(Format::of("Application/PDF").ending, "pdf");
    }

    #[test]
    fn a_document_is_found_by_its_number_and_one_without_content_is_not_listed() {
        let json =
            r#"{"presentedForm":[{"id":"a"},{"contentType":"application/pdf","title":"Scan","data":"JVBERg=="}]}"#;
        let listed = documents(json);
        assert_eq!(listed.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
        let opened = Document::open(json, 2).unwrap();
        assert_eq!((opened.bytes.as_slice(), opened.name.as_str()), (b"%PDF".as_slice(), "document-2.pdf"));
        assert!(
            Document::open(json, 1).is_none() && Document::open(json, 0).is_none() && Document::open(json, 9).is_none()
        );
        assert!(Document::open(r#"{"presentedForm":[{"data":"!"}]}"#, 1).is_none());
    }
}
