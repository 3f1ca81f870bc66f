//! Compartments: what shares a data key and is destroyed together.

use crate::id::RecordId;

/// What shares a data key inside a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compartment {
    /// Everything about one patient.
    Patient(RecordId),
    /// One record that belongs to no patient, or to nobody known yet.
    Own(RecordId),
    /// The sealed contexts of audit entries.
    Context,
    /// Tenants, clinics, interfaces and API clients.
    Directory,
}

impl Compartment {
    /// Returns the 17 bytes that stand for it in the database and in authenticated data: `code u8 | id 16`.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 17] {
        let (code, id) = match self {
            Compartment::Patient(id) => (1, id.0),
            Compartment::Own(id) => (2, id.0),
            Compartment::Context => (3, [0; 16]),
            Compartment::Directory => (4, [0; 16]),
        };
        let mut bytes = [0; 17];
        let (first, rest) = bytes.split_at_mut(1);
        first.fill(code);
        rest.copy_from_slice(&id);
        bytes
    }

    /// Reads what [`Compartment::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (code, id) = bytes.split_first()?;
        let id = RecordId(id.try_into().ok()?);
        match code {
            1 => Some(Compartment::Patient(id)),
            2 => Some(Compartment::Own(id)),
            3 if id.0 == [0; 16] => Some(Compartment::Context),
            4 if id.0 == [0; 16] => Some(Compartment::Directory),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compartment_reads_back_from_its_bytes() {
        let id = RecordId([7; 16]);
        for compartment in
            [Compartment::Patient(id), Compartment::Own(id), Compartment::Context, Compartment::Directory]
        {
            assert_eq!(Compartment::from_bytes(&compartment.to_bytes()), Some(compartment));
        }
    }

    #[test]
    fn bytes_that_no_compartment_wrote_are_refused() {
        assert_eq!(Compartment::from_bytes(&[]), None);
        assert_eq!(Compartment::from_bytes(&[1; 16]), None);
        assert_eq!(Compartment::from_bytes(&[1; 18]), None);
        assert_eq!(Compartment::from_bytes(&[5; 17]), None);
        assert_eq!(Compartment::from_bytes(&[3; 17]), None);
    }
}
