//! What can be wrong with a field without stopping the message.

macro_rules! issues {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Something an operator should know about one field; says nothing of its value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Issue { $($(#[$doc])* $name),+ }

        impl Issue {
            /// The word a program looks for.
            pub(super) const fn code(self) -> &'static str {
                match self { $(Issue::$name => $code),+ }
            }

            /// The sentence an operator reads.
            pub(super) const fn text(self) -> &'static str {
                match self { $(Issue::$name => $text),+ }
            }
        }
    };
}

issues! {
    PatientAbsent = "patient_absent", "no PID says whose this is; the message is held";
    PatientUnidentified = "patient_unidentified", "PID names no usable identifier; the message is held";
    StatusAbsent = "status_absent", "the result status is missing; it was mapped as unknown, never as final";
    StatusUnknown = "status_unknown", "the result status is in no table; it was mapped as unknown and the code kept beside";
    StatusAlias = "status_alias", "the status of a report carries a code of table 0085; it was taken as that";
    StatusContradicted = "status_contradicted", "the status says that nobody asked, and there is a value; it was mapped as unknown";
    StatusDiffers = "status_differs", "rows of one observation have different statuses; the least final was taken";
    ValueTypeAbsent = "value_type_absent", "OBX-2 is empty; the value was kept as text";
    ValueTypeUnknown = "value_type_unknown", "OBX-2 is no known type; the value was kept as text";
    ValueTypeAsText = "value_type_as_text", "FHIR has no value of this type; it was kept as text";
    NumberUnreadable = "number_unreadable", "the value is no plain number; it was kept as text";
    NumberStructured = "number_structured", "a number came with a comparator; it was taken as a structured number";
    StructuredUnreadable = "structured_number_unreadable", "the structured number has no counterpart; it was kept as text";
    UnitApart = "unit_apart", "the value says more than a number, and OBX-6 has a unit; the value was kept as sent, the unit in a note";
    DateInvalid = "date_invalid", "the date or time is invalid; its text was kept";
    DateImprecise = "date_imprecise", "an instant is wanted and only a date was sent; another time was taken";
    ZoneContradicted = "time_zone_contradicted", "MSH-7 has another offset than the interface's time zone had then; times without an offset were read with it";
    CodeAbsent = "code_absent", "the code is missing";
    CodeUnknown = "code_unknown", "the code is not in its table; it was kept as the sender's own";
    CategoryUnknown = "category_unknown", "the section is not in table 0074; the report was taken as a laboratory's";
    CategoryAbsent = "category_absent", "no section was sent; the report was taken as a laboratory's";
    AttachmentUndecodable = "attachment_undecodable", "the document cannot be decoded; its text was kept";
    AttachmentMismatch = "attachment_mismatch", "the document is not of the type it claims; it was kept as plain bytes";
    PointerNotFollowed = "pointer_not_followed", "a pointer to elsewhere was kept as text and never followed";
    AfterSpecimen = "result_after_specimen", "results stand after SPM; they were taken as results of the report";
    ParentAbsent = "parent_absent", "the parent order or result is not in this message";
    AuthorityAbsent = "authority_absent", "no assigning authority; the identifier counts only for this sender";
    IdentityFromMessage = "identity_from_message", "neither filler nor placer number; a later message cannot update this report";
    IdentityByPlace = "identity_by_place", "orders of this message have the same numbers and code; one sent again alone updates the first";
    BirthInFuture = "birth_date_in_future", "the birth date lies after the message";
}
