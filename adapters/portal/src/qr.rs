//! A QR code as a picture that is part of its page.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write;

/// Modules of white around the code (ISO/IEC 18004 §6.3.8).
const QUIET: i32 = 4;

/// Returns the SVG of a text; `None` when it is too long for a code.
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size().saturating_add(QUIET.saturating_mul(2));
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                let _ = write!(path, "M{},{}h1v1h-1z", x.saturating_add(QUIET), y.saturating_add(QUIET));
            }
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" \
         aria-label=\"QR code for your authenticator app\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0,0h{size}v{size}h-{size}z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn a_code_is_a_picture_of_numbers_only() {
        let picture = svg("otpauth://totp/Sealgate:<script>?secret=ABC").unwrap();
        assert!(picture.starts_with("<svg") && !picture.contains("script") && !picture.contains("ABC"));
        assert_eq!(svg(&"x".repeat(10_000)), None);
    }
}
