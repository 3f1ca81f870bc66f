//! The groups of an ORU^R01: which order, result, specimen and note belongs to which patient.
//!
//! Read by order of appearance rather than by the grammar of one version (HL7 v2.5.1 §7.3.1): ORC, PV1 and set ids may be missing,
//! SPM may stand before the results it belongs to, and a second PID starts a second patient.

use crate::message::{Message, Segment};

/// One patient of a message, with all that follows up to the next PID.
#[derive(Default)]
pub(super) struct Group<'m> {
    pub(super) pid: Option<Segment<'m>>,
    pub(super) pd1: Option<Segment<'m>>,
    pub(super) contacts: Vec<Segment<'m>>,
    pub(super) notes: Vec<Segment<'m>>,
    pub(super) pv1: Option<Segment<'m>>,
    pub(super) pv2: Option<Segment<'m>>,
    /// Rows before the first order: they are about the patient and results of no report.
    pub(super) observations: Vec<Noted<'m>>,
    pub(super) orders: Vec<Order<'m>>,
}

/// One OBR with what belongs to it.
pub(super) struct Order<'m> {
    pub(super) orc: Option<Segment<'m>>,
    pub(super) obr: Segment<'m>,
    pub(super) timing: Option<Segment<'m>>,
    pub(super) notes: Vec<Segment<'m>>,
    pub(super) results: Vec<Noted<'m>>,
    pub(super) specimens: Vec<Noted<'m>>,
}

/// A segment with the notes after it.
pub(super) struct Noted<'m> {
    pub(super) segment: Segment<'m>,
    pub(super) notes: Vec<Segment<'m>>,
    /// For a result: which of the order's specimens it stands after, and whether rows stood before the first specimen.
    pub(super) after: Option<AfterSpecimen>,
}

/// Where a result stands among specimens.
#[derive(Clone, Copy)]
pub(super) struct AfterSpecimen {
    /// The place of the specimen in `Order::specimens`.
    pub(super) specimen: usize,
    /// Whether results stood before SPM, so that this row describes the specimen itself.
    pub(super) describes: bool,
}

/// Splits a message into the groups of its patients.
pub(super) fn split(message: &Message) -> Vec<Group<'_>> {
    let mut groups = vec![Group::default()];
    let mut orc = None;
    let mut last = Last::Patient;
    for segment in message.segments() {
        let starts_patient = segment.name() == "PID"
            && groups.last().is_some_and(|group| group.pid.is_some() || !group.orders.is_empty());
        if starts_patient {
            groups.push(Group::default());
            orc = None;
        }
        let Some(group) = groups.last_mut() else {
            continue;
        };
        match segment.name() {
            "PID" => {
                group.pid = Some(segment);
                last = Last::Patient;
            }
            "PD1" => group.pd1 = group.pd1.or(Some(segment)),
            "NK1" => group.contacts.push(segment),
            "PV1" => group.pv1 = group.pv1.or(Some(segment)),
            "PV2" => group.pv2 = group.pv2.or(Some(segment)),
            "ORC" => {
                orc = Some(segment);
                last = Last::Request;
            }
            "OBR" => {
                group.orders.push(Order::new(orc.take(), segment));
                last = Last::Order;
            }
            "TQ1" => {
                if let Some(order) = group.orders.last_mut() {
                    order.timing = order.timing.or(Some(segment));
                }
            }
            "OBX" => last = group.add_observation(segment),
            "SPM" => {
                if let Some(order) = group.orders.last_mut() {
                    order.specimens.push(Noted { segment, notes: Vec::new(), after: None });
                    last = Last::Specimen;
                }
            }
            "NTE" => group.add_note(segment, last),
            _ => {}
        }
    }
    groups
}

/// What a note would belong to.
#[derive(Clone, Copy)]
enum Last {
    Patient,
    /// ORC: its notes are those of the order that follows, and are left unread.
    Request,
    Order,
    PatientObservation,
    Result,
    Specimen,
}

impl<'m> Order<'m> {
    fn new(orc: Option<Segment<'m>>, obr: Segment<'m>) -> Self {
        Self { orc, obr, timing: None, notes: Vec::new(), results: Vec::new(), specimens: Vec::new() }
    }
}

impl<'m> Group<'m> {
    fn add_observation(&mut self, segment: Segment<'m>) -> Last {
        let Some(order) = self.orders.last_mut() else {
            self.observations.push(Noted { segment, notes: Vec::new(), after: None });
            return Last::PatientObservation;
        };
        let describes = order.results.iter().any(|row| row.after.is_none());
        let after = order.specimens.len().checked_sub(1).map(|specimen| AfterSpecimen { specimen, describes });
        order.results.push(Noted { segment, notes: Vec::new(), after });
        Last::Result
    }

    fn add_note(&mut self, note: Segment<'m>, last: Last) {
        let order = self.orders.last_mut();
        let notes = match last {
            Last::Patient => Some(&mut self.notes),
            Last::Request => None,
            Last::PatientObservation => self.observations.last_mut().map(|row| &mut row.notes),
            Last::Order => order.map(|order| &mut order.notes),
            Last::Result => order.and_then(|order| order.results.last_mut()).map(|row| &mut row.notes),
            Last::Specimen => order.and_then(|order| order.specimens.last_mut()).map(|row| &mut row.notes),
        };
        if let Some(notes) = notes {
            notes.push(note);
        }
    }
}
