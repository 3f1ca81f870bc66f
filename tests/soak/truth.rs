//! What was sent and what was acknowledged: all that a gateway may know, and all that it must.

use crate::chance::Chance;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tests::message::Oru;

/// Results of each report.
pub(crate) const ROWS: usize = 4;
/// Most versions of a report: its first and its corrections. One digit, as values are made of it.
pub(crate) const MOST_VERSIONS: u32 = 9;

/// Everything that was ever sent.
#[derive(Default)]
pub(crate) struct Truth(Mutex<Orders>);

#[derive(Default)]
struct Orders {
    all: Vec<Order>,
    of_patient: BTreeMap<u64, Vec<usize>>,
}

/// One order, as far as its sender knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Whose it is.
    pub(crate) patient: u64,
    /// The newest version that was sent.
    pub(crate) sent: u32,
    /// The newest version that was acknowledged; 0 when none was.
    pub(crate) acknowledged: u32,
}

/// A message: a version of the report on an order. The same one is the same bytes.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) order: usize,
    pub(crate) patient: u64,
    pub(crate) version: u32,
}

impl Truth {
    /// Writes down that a first report is sent.
    pub(crate) fn begin(&self, patient: u64) -> Message {
        self.with(|orders| {
            let order = orders.all.len();
            orders.all.push(Order { patient, sent: 1, acknowledged: 0 });
            orders.of_patient.entry(patient).or_default().push(order);
            Message { order, patient, version: 1 }
        })
    }

    /// Writes down that a correction is sent; `None` where there were enough.
    pub(crate) fn correct(&self, order: usize) -> Option<Message> {
        self.with(|orders| {
            let known = orders.all.get_mut(order).filter(|known| known.sent < MOST_VERSIONS)?;
            known.sent += 1;
            Some(Message { order, patient: known.patient, version: known.sent })
        })
    }

    /// Writes down that a message was acknowledged.
    pub(crate) fn acknowledged(&self, message: Message) {
        self.with(|orders| {
            let known = orders.all.get_mut(message.order);
            let _ = known.map(|known| known.acknowledged = known.acknowledged.max(message.version));
        });
    }

    /// Returns how an order stands now.
    pub(crate) fn order(&self, order: usize) -> Option<Order> {
        self.with(|orders| orders.all.get(order).copied())
    }

    /// Returns how all orders stand now; the number of an order is its place.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.with(|orders| orders.all.clone())
    }

    /// Returns how the orders of a patient stand now.
    pub(crate) fn of_patient(&self, patient: u64) -> BTreeMap<usize, Order> {
        self.with(|orders| {
            let mine = orders.of_patient.get(&patient).into_iter().flatten();
            mine.filter_map(|order| Some((*order, *orders.all.get(*order)?))).collect()
        })
    }

    /// Returns an order that was acknowledged, every second time one of the last.
    pub(crate) fn any(&self, chance: &mut Chance) -> Option<usize> {
        const LAST: usize = 100;
        self.with(|orders| {
            let count = orders.all.len();
            let span = if chance.percent(50) { LAST.min(count) } else { count };
            let back = usize::try_from(chance.below(u64::try_from(span).ok()?)).ok()?;
            let order = count.checked_sub(back + 1)?;
            orders.all.get(order).filter(|known| known.acknowledged > 0).map(|_| order)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Orders) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Message {
    /// Returns the bytes that are sent.
    pub(crate) fn render(self) -> Vec<u8> {
        let Self { order, patient, version } = self;
        let control_id = control_id(self);
        let oru = Oru {
            mrn: mrn(patient),
            family: family(patient),
            status: if version == 1 { 'F' } else { 'C' },
            first_value: first_value(order, version),
            time: format!("202603011{version}0000+0000"),
            ..Oru::new(&control_id, &filler(order), ROWS)
        };
        oru.render()
    }
}

/// Returns MSH-10 of a message.
pub(crate) fn control_id(message: Message) -> String {
    format!("S{}V{}", message.order, message.version)
}

/// Returns the number by which an order is found.
pub(crate) fn filler(order: usize) -> String {
    format!("S{order}")
}

/// Returns the order that a filler number names.
pub(crate) fn order_of(filler: &str) -> Option<usize> {
    filler.strip_prefix('S')?.parse().ok()
}

/// Returns the record number of a patient.
pub(crate) fn mrn(patient: u64) -> String {
    format!("M{patient:06}")
}

/// Returns the family name of a patient; nobody else has it.
pub(crate) fn family(patient: u64) -> String {
    format!("Soak{patient:06}")
}

/// Returns the first value of a report: it tells the order from its neighbours, and the version.
pub(crate) fn first_value(order: usize, version: u32) -> String {
    format!("{}.0{version}", order % 900 + 100)
}
