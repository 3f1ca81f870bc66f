//! Synthetic ORU^R01 messages; nobody in them exists.

use std::fmt::Write;

/// A family name that no fixture shares; looked for where no patient data may be.
pub const PLANTED_FAMILY: &str = "ZZQUAGMIRE";
/// A given name that no fixture shares.
pub const PLANTED_GIVEN: &str = "XANTHIPPE";
/// A record number that no fixture shares.
pub const PLANTED_MRN: &str = "MRN7719385521";

/// The birth date of the planted patient.
pub const PLANTED_BIRTH: &str = "1970-04-12";

/// A message to be rendered.
#[derive(Clone)]
pub struct Oru {
    /// MSH-10.
    pub control_id: String,
    /// PID-3.1.
    pub mrn: String,
    /// PID-5.1.
    pub family: String,
    /// OBR-3.1.
    pub filler: String,
    /// How many OBX.
    pub rows: usize,
    /// OBR-25 and OBX-11.
    pub status: char,
    /// OBX-5 of the first row.
    pub first_value: String,
    /// MSH-7 and OBR-22, as `YYYYMMDDHHMMSS+ZZZZ`.
    pub time: String,
}

impl Oru {
    /// A final report with this many rows for the planted patient.
    #[must_use]
    pub fn new(control_id: &str, filler: &str, rows: usize) -> Self {
        Self {
            control_id: control_id.to_owned(),
            mrn: PLANTED_MRN.to_owned(),
            family: PLANTED_FAMILY.to_owned(),
            filler: filler.to_owned(),
            rows,
            status: 'F',
            first_value: "1.50".to_owned(),
            time: "20260301101500+0000".to_owned(),
        }
    }

    /// Renders the message: about 4 KiB with 20 rows.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let Self { control_id, mrn, family, filler, status, time, .. } = self;
        let mut text = String::with_capacity(4_096);
        let _ = write!(
            text,
            "MSH|^~\\&|LIS|NORTHLAB^2.16.840.1.113883.3.999^ISO|SEALGATE|HOSPITAL|{time}||ORU^R01^ORU_R01|{control_id}|P|2.5.1|||NE|NE||UNICODE UTF-8\r\
             PID|1||{mrn}^^^NORTH^MR||{family}^{PLANTED_GIVEN}^Q^^^^L||19700412|F|||12 HARBOUR ROAD^^PORTSMITH^ME^04101^USA^H||^PRN^PH^^1^207^5550143|||S\r\
             PV1|1|O|CLINIC^12^A^NORTH||||1780013^ADAMS^RUTH^^^DR^^^NPI^L^^^NPI|||MED||||||||V{mrn}^^^NORTH^VN|||||||||||||||||||||||||20260301080000+0000\r\
             ORC|RE|P{filler}^EHR|{filler}^LIS||CM||||20260301091000+0000|||1780013^ADAMS^RUTH^^^DR^^^NPI^L^^^NPI\r\
             OBR|1|P{filler}^EHR|{filler}^LIS|24323-8^Comprehensive metabolic panel^LN^CMP^Metabolic panel^L|||20260301094500+0000|||||||20260301095500+0000|SER^Serum^HL70070|1780013^ADAMS^RUTH^^^DR^^^NPI^L^^^NPI||||||{time}||LAB|{status}\r"
        );
        for row in 1..=self.rows {
            let (code, name, unit, range) =
                ANALYTES.get(row.saturating_sub(1) % ANALYTES.len()).copied().unwrap_or_default();
            let value = if row == 1 { self.first_value.clone() } else { format!("{}.{}0", row * 3, row % 10) };
            let _ = write!(
                text,
                "OBX|{row}|NM|{code}^{name}^LN^L{row}^{name} local^L|{}|{value}|{unit}^{unit}^UCUM|{range}|N|||{status}|||20260301094500+0000||7731^BAKER^SAM|||20260301100500+0000||||North Laboratory^L^^^^CLIA^XX^^^19D0000001\r",
                if row > ANALYTES.len() { row.to_string() } else { String::new() }
            );
        }
        let _ = write!(
            text,
            "NTE|1|L|Specimen received in good order.\rSPM|1|S{filler}^LIS||119364003^Serum specimen^SCT|||||||||||||20260301094500+0000|20260301095500+0000\r"
        );
        text.into_bytes()
    }
}

/// Leaves out every segment of a name.
#[must_use]
pub fn without(message: &[u8], name: &str) -> Vec<u8> {
    let kept = message.split_inclusive(|byte| *byte == b'\r').filter(|segment| !segment.starts_with(name.as_bytes()));
    kept.flatten().copied().collect()
}

const ANALYTES: [(&str, &str, &str, &str); 20] = [
    ("2345-7", "Glucose", "mg/dL", "70-99"),
    ("3094-0", "Urea nitrogen", "mg/dL", "6-20"),
    ("2160-0", "Creatinine", "mg/dL", "0.50-1.20"),
    ("2951-2", "Sodium", "mmol/L", "136-145"),
    ("2823-3", "Potassium", "mmol/L", "3.5-5.1"),
    ("2075-0", "Chloride", "mmol/L", "98-107"),
    ("2028-9", "Carbon dioxide", "mmol/L", "22-29"),
    ("17861-6", "Calcium", "mg/dL", "8.6-10.2"),
    ("2885-2", "Protein", "g/dL", "6.4-8.3"),
    ("1751-7", "Albumin", "g/dL", "3.5-5.2"),
    ("1975-2", "Bilirubin", "mg/dL", "0.1-1.2"),
    ("6768-6", "Alkaline phosphatase", "U/L", "40-129"),
    ("1920-8", "Aspartate aminotransferase", "U/L", "10-40"),
    ("1742-6", "Alanine aminotransferase", "U/L", "7-56"),
    ("33914-3", "Filtration rate", "mL/min", ">60"),
    ("10466-1", "Anion gap", "mmol/L", "8-16"),
    ("10834-0", "Globulin", "g/dL", "2.0-3.5"),
    ("1759-0", "Albumin/Globulin", "{ratio}", "1.1-2.5"),
    ("3084-1", "Urate", "mg/dL", "3.5-7.2"),
    ("2777-1", "Phosphate", "mg/dL", "2.5-4.5"),
];
