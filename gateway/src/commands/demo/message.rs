//! The demo's message. Nobody in it exists.

/// OBR-3 of the message.
pub(super) const FILLER: &str = "24-0417";
/// What must not be readable anywhere outside memory: name, record number, order number.
pub(super) const PLANTED: &[&str] = &["MERRIWEATHER", "PHILIPPA", "H-4471-902", FILLER, "Haemoglobin"];

/// A final blood count with one abnormal value, a value whose last zero matters, and a note. Lines are segments.
pub(super) const RESULT: &str = "\
MSH|^~\\&|LIS|HARBOURLAB|SEALGATE|HARBOUR|20260301101500+0000||ORU^R01^ORU_R01|DEMO0001|P|2.5.1|||||||UNICODE UTF-8
PID|1||H-4471-902^^^HARBOUR^MR||MERRIWEATHER^PHILIPPA^J||19640229|F
OBR|1|A-771^EHR|24-0417^LIS|58410-2^CBC panel - Blood by Automated count^LN|||20260301094500+0000|||||||||D-12^OKORO^ADA^^^DR||||||20260301101200+0000||HM|F
OBX|1|NM|718-7^Haemoglobin [Mass/volume] in Blood^LN||9.80|g/dL^g/dL^UCUM|12.0-15.5|L|||F|||20260301094500+0000
OBX|2|NM|4544-3^Haematocrit of Blood^LN||31.0|%^%^UCUM|36-46|L|||F|||20260301094500+0000
OBX|3|SN|26515-7^Platelets [#/volume] in Blood^LN||>^450|10*9/L^10*9/L^UCUM|150-400|H|||F|||20260301094500+0000
OBX|4|ST|18314-5^Morphology of blood cells^LN||Microcytosis, see note||||||F|||20260301094500+0000
NTE|1|L|Suggest iron studies.
";
