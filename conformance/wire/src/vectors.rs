//! The vectors, built into the program so that it works when installed alone.

/// A vector: the bytes to send and what its heading says about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vector {
    /// The file's name without its ending.
    pub name: &'static str,
    /// What the endpoint should answer: acknowledgement codes for HL7, a status for FHIR.
    pub expect: &'static str,
    /// The one rule the bytes break, or `nothing`.
    pub breaks: &'static str,
    /// What goes on the wire, without the heading.
    pub bytes: &'static [u8],
}

impl Vector {
    /// Takes a vector file apart: two heading lines, then the bytes.
    ///
    /// Returns nothing when the heading does not read.
    #[must_use]
    pub fn read(name: &'static str, file: &'static [u8]) -> Option<Self> {
        let (expect, rest) = heading(file, "expect: ")?;
        let (breaks, bytes) = heading(rest, "breaks: ")?;
        Some(Self { name, expect, breaks, bytes })
    }

    /// Lists the acknowledgement codes the heading allows, for example `AE` and `AR`.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.expect.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase()))
    }

    /// The table 0357 code the heading asks for, when it names one.
    #[must_use]
    pub fn condition(&self) -> Option<&'static str> {
        self.expect.split(' ').find(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// Finds an HL7 v2 message by its name.
#[must_use]
pub fn hl7(name: &str) -> Option<Vector> {
    find(HL7, name).and_then(|(name, file)| Vector::read(name, file))
}

/// Finds a FHIR request body by its name.
#[must_use]
pub fn fhir(name: &str) -> Option<Vector> {
    find(FHIR, name).and_then(|(name, file)| Vector::read(name, file))
}

/// Finds the raw bytes of an MLLP exchange by its name.
#[must_use]
pub fn mllp(name: &str) -> Option<&'static [u8]> {
    find(MLLP, name).map(|(_, bytes)| bytes)
}

/// Lists every vector as `(folder, name)`.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    [("hl7", HL7), ("fhir", FHIR), ("mllp", MLLP)]
        .into_iter()
        .flat_map(|(folder, table)| table.iter().map(move |(name, _)| (folder, *name)))
}

/// Lists every FHIR request body.
pub fn bodies() -> impl Iterator<Item = Vector> {
    FHIR.iter().filter_map(|(name, file)| Vector::read(name, file))
}

type Entry = (&'static str, &'static [u8]);

fn find(table: &'static [Entry], name: &str) -> Option<Entry> {
    table.iter().find(|(known, _)| *known == name).copied()
}

fn heading(file: &'static [u8], label: &str) -> Option<(&'static str, &'static [u8])> {
    let end = file.iter().position(|&byte| byte == b'\n')?;
    let line = std::str::from_utf8(file.get(..end)?).ok()?;
    Some((line.strip_prefix(label)?, file.get(end.checked_add(1)?..)?))
}

/// Messages, one rule each.
static HL7: &[(&str, &[u8])] = &[
    ("acknowledgement_as_message", include_bytes!("../vectors/hl7/acknowledgement_as_message.hl7")),
    ("blank_lines", include_bytes!("../vectors/hl7/blank_lines.hl7")),
    ("carriage_return_line_feed_ends", include_bytes!("../vectors/hl7/carriage_return_line_feed_ends.hl7")),
    ("charset_latin_1", include_bytes!("../vectors/hl7/charset_latin_1.hl7")),
    ("charset_utf8", include_bytes!("../vectors/hl7/charset_utf8.hl7")),
    ("control_id_empty", include_bytes!("../vectors/hl7/control_id_empty.hl7")),
    ("correction", include_bytes!("../vectors/hl7/correction.hl7")),
    ("custom_delimiters", include_bytes!("../vectors/hl7/custom_delimiters.hl7")),
    ("delimiters_of_version_27", include_bytes!("../vectors/hl7/delimiters_of_version_27.hl7")),
    ("embedded_pdf", include_bytes!("../vectors/hl7/embedded_pdf.hl7")),
    ("enhanced_al_ne", include_bytes!("../vectors/hl7/enhanced_al_ne.hl7")),
    ("enhanced_al_ne_wrong_type", include_bytes!("../vectors/hl7/enhanced_al_ne_wrong_type.hl7")),
    ("enhanced_er_ne", include_bytes!("../vectors/hl7/enhanced_er_ne.hl7")),
    ("enhanced_ne_ne", include_bytes!("../vectors/hl7/enhanced_ne_ne.hl7")),
    ("enhanced_su_ne", include_bytes!("../vectors/hl7/enhanced_su_ne.hl7")),
    ("escape_sequences", include_bytes!("../vectors/hl7/escape_sequences.hl7")),
    ("event_unknown", include_bytes!("../vectors/hl7/event_unknown.hl7")),
    ("every_value_type", include_bytes!("../vectors/hl7/every_value_type.hl7")),
    ("extra_fields", include_bytes!("../vectors/hl7/extra_fields.hl7")),
    ("forty_orders", include_bytes!("../vectors/hl7/forty_orders.hl7")),
    ("good", include_bytes!("../vectors/hl7/good.hl7")),
    ("line_feed_ends", include_bytes!("../vectors/hl7/line_feed_ends.hl7")),
    ("no_final_terminator", include_bytes!("../vectors/hl7/no_final_terminator.hl7")),
    ("no_obr", include_bytes!("../vectors/hl7/no_obr.hl7")),
    ("no_orc", include_bytes!("../vectors/hl7/no_orc.hl7")),
    ("no_pv1", include_bytes!("../vectors/hl7/no_pv1.hl7")),
    ("not_hl7", include_bytes!("../vectors/hl7/not_hl7.hl7")),
    ("order_without_results", include_bytes!("../vectors/hl7/order_without_results.hl7")),
    ("planted_accepted", include_bytes!("../vectors/hl7/planted_accepted.hl7")),
    ("planted_in_broken_fields", include_bytes!("../vectors/hl7/planted_in_broken_fields.hl7")),
    ("planted_without_msh", include_bytes!("../vectors/hl7/planted_without_msh.hl7")),
    ("planted_wrong_type", include_bytes!("../vectors/hl7/planted_wrong_type.hl7")),
    ("planted_wrong_version", include_bytes!("../vectors/hl7/planted_wrong_version.hl7")),
    ("processing_id_unknown", include_bytes!("../vectors/hl7/processing_id_unknown.hl7")),
    ("processing_mode", include_bytes!("../vectors/hl7/processing_mode.hl7")),
    ("seed_1_preliminary", include_bytes!("../vectors/hl7/seed_1_preliminary.hl7")),
    ("seed_2_final", include_bytes!("../vectors/hl7/seed_2_final.hl7")),
    ("seed_3_document", include_bytes!("../vectors/hl7/seed_3_document.hl7")),
    ("segment_names_broken", include_bytes!("../vectors/hl7/segment_names_broken.hl7")),
    ("sender_without_authority", include_bytes!("../vectors/hl7/sender_without_authority.hl7")),
    ("truncated_msh", include_bytes!("../vectors/hl7/truncated_msh.hl7")),
    ("two_patients", include_bytes!("../vectors/hl7/two_patients.hl7")),
    ("type_adt", include_bytes!("../vectors/hl7/type_adt.hl7")),
    ("unknown_segments", include_bytes!("../vectors/hl7/unknown_segments.hl7")),
    ("version_21", include_bytes!("../vectors/hl7/version_21.hl7")),
    ("version_22", include_bytes!("../vectors/hl7/version_22.hl7")),
    ("version_23", include_bytes!("../vectors/hl7/version_23.hl7")),
    ("version_231", include_bytes!("../vectors/hl7/version_231.hl7")),
    ("version_24", include_bytes!("../vectors/hl7/version_24.hl7")),
    ("version_25", include_bytes!("../vectors/hl7/version_25.hl7")),
    ("version_251", include_bytes!("../vectors/hl7/version_251.hl7")),
    ("version_26", include_bytes!("../vectors/hl7/version_26.hl7")),
    ("version_27", include_bytes!("../vectors/hl7/version_27.hl7")),
    ("version_271", include_bytes!("../vectors/hl7/version_271.hl7")),
    ("version_28", include_bytes!("../vectors/hl7/version_28.hl7")),
    ("version_281", include_bytes!("../vectors/hl7/version_281.hl7")),
    ("version_282", include_bytes!("../vectors/hl7/version_282.hl7")),
    ("version_29", include_bytes!("../vectors/hl7/version_29.hl7")),
    ("version_unknown", include_bytes!("../vectors/hl7/version_unknown.hl7")),
    ("version_with_country", include_bytes!("../vectors/hl7/version_with_country.hl7")),
];

/// Request bodies, one fault each.
static FHIR: &[(&str, &[u8])] = &[
    ("array", include_bytes!("../vectors/fhir/array.json")),
    ("deep", include_bytes!("../vectors/fhir/deep.json")),
    ("duplicate_key", include_bytes!("../vectors/fhir/duplicate_key.json")),
    ("empty", include_bytes!("../vectors/fhir/empty.json")),
    ("huge_number", include_bytes!("../vectors/fhir/huge_number.json")),
    ("invalid_utf8", include_bytes!("../vectors/fhir/invalid_utf8.json")),
    ("lone_surrogate", include_bytes!("../vectors/fhir/lone_surrogate.json")),
    ("not_json", include_bytes!("../vectors/fhir/not_json.json")),
    ("unterminated", include_bytes!("../vectors/fhir/unterminated.json")),
    ("wrong_type", include_bytes!("../vectors/fhir/wrong_type.json")),
];

/// Raw exchanges, framing included.
static MLLP: &[(&str, &[u8])] = &[
    ("01_normal", include_bytes!("../vectors/mllp/01_normal.mllp")),
    ("02_two_frames_one_write", include_bytes!("../vectors/mllp/02_two_frames_one_write.mllp")),
    ("05_no_start_block_then_valid", include_bytes!("../vectors/mllp/05_no_start_block_then_valid.mllp")),
    ("06_eb_without_cr_then_frame", include_bytes!("../vectors/mllp/06_eb_without_cr_then_frame.mllp")),
    ("07_eb_without_cr_end", include_bytes!("../vectors/mllp/07_eb_without_cr_end.mllp")),
    ("09_garbage_between_frames", include_bytes!("../vectors/mllp/09_garbage_between_frames.mllp")),
    ("11_double_end_block", include_bytes!("../vectors/mllp/11_double_end_block.mllp")),
    ("13_fs_inside_payload", include_bytes!("../vectors/mllp/13_fs_inside_payload.mllp")),
    ("16_empty_then_valid", include_bytes!("../vectors/mllp/16_empty_then_valid.mllp")),
    ("17_only_end_block", include_bytes!("../vectors/mllp/17_only_end_block.mllp")),
    ("18_http_get", include_bytes!("../vectors/mllp/18_http_get.mllp")),
    ("19_tls_clienthello_on_plain_port", include_bytes!("../vectors/mllp/19_tls_clienthello_on_plain_port.mllp")),
    ("21_nul_bytes", include_bytes!("../vectors/mllp/21_nul_bytes.mllp")),
    ("23_utf16le", include_bytes!("../vectors/mllp/23_utf16le.mllp")),
    ("25_invalid_utf8", include_bytes!("../vectors/mllp/25_invalid_utf8.mllp")),
    ("27_lone_surrogate_utf8", include_bytes!("../vectors/mllp/27_lone_surrogate_utf8.mllp")),
    ("28_not_hl7", include_bytes!("../vectors/mllp/28_not_hl7.mllp")),
    ("29_msh_too_short", include_bytes!("../vectors/mllp/29_msh_too_short.mllp")),
    ("32_msh_alnum_delimiters", include_bytes!("../vectors/mllp/32_msh_alnum_delimiters.mllp")),
    ("34_lowercase_msh", include_bytes!("../vectors/mllp/34_lowercase_msh.mllp")),
    ("35_leading_spaces_newlines", include_bytes!("../vectors/mllp/35_leading_spaces_newlines.mllp")),
    ("36_xml_encoded_v2", include_bytes!("../vectors/mllp/36_xml_encoded_v2.mllp")),
    ("37_ack_received_on_inbound", include_bytes!("../vectors/mllp/37_ack_received_on_inbound.mllp")),
    ("38_mllp_r2_commit_ack_bytes", include_bytes!("../vectors/mllp/38_mllp_r2_commit_ack_bytes.mllp")),
    ("39_mllp_r2_nak_bytes", include_bytes!("../vectors/mllp/39_mllp_r2_nak_bytes.mllp")),
    ("41_stx_etx_framing", include_bytes!("../vectors/mllp/41_stx_etx_framing.mllp")),
    ("42_partial_frame_then_eof", include_bytes!("../vectors/mllp/42_partial_frame_then_eof.mllp")),
    ("43_many_repetitions", include_bytes!("../vectors/mllp/43_many_repetitions.mllp")),
    ("45_field_bomb", include_bytes!("../vectors/mllp/45_field_bomb.mllp")),
    ("49_sixty_kb_single_line", include_bytes!("../vectors/mllp/49_sixty_kb_single_line.mllp")),
    ("51_control_chars_in_msh3", include_bytes!("../vectors/mllp/51_control_chars_in_msh3.mllp")),
    ("52_two_msh_in_frame", include_bytes!("../vectors/mllp/52_two_msh_in_frame.mllp")),
    ("53_msh_not_first", include_bytes!("../vectors/mllp/53_msh_not_first.mllp")),
    ("55_unicode_line_separators", include_bytes!("../vectors/mllp/55_unicode_line_separators.mllp")),
    ("57_negative_repeat_frames_fast_1000", include_bytes!("../vectors/mllp/57_negative_repeat_frames_fast_1000.mllp")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_heading_reads_and_names_a_known_answer() {
        for (name, file) in HL7 {
            let vector = Vector::read(name, file).unwrap_or_else(|| panic!("{name} has no heading"));
            assert!(!vector.bytes.is_empty(), "{name} is empty");
            assert!(!vector.breaks.is_empty(), "{name} does not say what it breaks");
            let known = ["AA", "AE", "AR", "CA", "CR"];
            assert!(
                vector.expect == "none"
                    || (vector.codes().count() > 0 && vector.codes().all(|code| known.contains(&code))),
                "{name} expects {:?}",
                vector.expect
            );
        }
        for (name, file) in FHIR {
            assert_eq!(Vector::read(name, file).unwrap().expect, "4xx", "{name}");
        }
    }

    #[test]
    fn every_file_in_the_folders_is_built_in() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
        for (folder, ending) in [("hl7", "hl7"), ("fhir", "json"), ("mllp", "mllp")] {
            let on_disk: BTreeSet<String> = std::fs::read_dir(root.join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|found| found == ending))
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            let built_in: BTreeSet<String> =
                names().filter(|(found, _)| *found == folder).map(|(_, name)| name.to_owned()).collect();
            assert_eq!(on_disk, built_in);
        }
    }

    #[test]
    fn the_frames_are_as_long_as_their_list_says() {
        let list: serde_json::Value = serde_json::from_str(include_str!("../vectors/mllp/EXPECT.json")).unwrap();
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), MLLP.len());
        for entry in list {
            let file = entry["file"].as_str().unwrap();
            let bytes = mllp(file.trim_end_matches(".mllp")).unwrap();
            assert_eq!(u64::try_from(bytes.len()).unwrap(), entry["bytes"].as_u64().unwrap(), "{file}");
        }
    }
}
