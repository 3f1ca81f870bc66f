//! Who an order is: its numbers, the ids that follow from them, and which other order it goes back to.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::id::RecordId;

use super::code::{codings, text_of};
use super::groups::Order;
use super::identity::{Identity, trimmed};
use super::issue::Issue;
use super::log::{Row, Target};
use super::observation::{Logical, logicals};
use super::scope::Scope;
use crate::message::{Repetition, Segment};

/// An order with the ids of everything it becomes.
pub(super) struct Plan<'m, 'g> {
    pub(super) order: &'g Order<'m>,
    pub(super) numbers: Numbers<'m>,
    /// The report, whose family all the others are in.
    pub(super) id: RecordId,
    pub(super) request: RecordId,
    /// One for each SPM, else one if OBR-15 speaks of a specimen.
    pub(super) specimens: Vec<RecordId>,
    pub(super) results: Vec<Logical<'m, 'g>>,
    /// Sender and order, as identifiers of observations begin.
    pub(super) prefix: String,
    /// The order this one goes back to, where it is in the same message.
    pub(super) parent: Option<RecordId>,
}

/// The numbers of an order: OBR's, else ORC's.
pub(super) struct Numbers<'m> {
    pub(super) placer: Option<Identity<'m>>,
    pub(super) filler: Option<Identity<'m>>,
}

/// Plans the orders of a patient.
pub(super) fn plan<'m, 'g>(
    orders: &'g [Order<'m>],
    control_id: &str,
    taken: &mut HashMap<RecordId, usize>,
    scope: &Scope<'m>,
) -> Vec<Plan<'m, 'g>> {
    let mut plans: Vec<Plan<'m, 'g>> = orders.iter().map(|order| plan_one(order, control_id, taken, scope)).collect();
    link(&mut plans, scope);
    plans
}

/// Plans one order.
///
/// A report is the same report when sender, filler number with authority, placer number, and code are the same (the placer number with
/// authority where there is no filler number; the message and the order's place in it where there is neither).
///
/// - The code (OBR-4) is among them since many laboratories give an accession number as filler number, which all orders on one specimen share.
/// - So is the placer number: two cultures of one accession have the same code, and one of them sent again must not land on the other. The
///   price: a report whose placer number is told only later becomes a second one, which is seen; one result over another's would not be.
/// - Orders of one message that are the same in all of these are counted, so that none overwrites another, which is an issue.
fn plan_one<'m, 'g>(
    order: &'g Order<'m>,
    control_id: &str,
    taken: &mut HashMap<RecordId, usize>,
    scope: &Scope<'m>,
) -> Plan<'m, 'g> {
    let row = scope.log.row(order.obr, Target::STRUCTURE);
    let numbers = Numbers::read(order);
    let (system, code) = meaning(order.obr.field(4).first(), scope);
    let placer = numbers.placer.as_ref().filter(|_| numbers.filler.is_some()).map_or("", |placer| &placer.value);
    let place = order.obr.occurrence().to_string();
    let (kind, number, authority): (&str, &str, Cow<'_, str>) = match (&numbers.filler, &numbers.placer) {
        (Some(filler), _) => ("filler", &filler.value, filler.authority(scope)),
        (None, Some(placer)) => ("placer", &placer.value, placer.authority(scope)),
        (None, None) => {
            row.issue(3, Issue::IdentityFromMessage);
            ("message", control_id, Cow::Borrowed(place.as_str()))
        }
    };
    let name = |again: &str| {
        scope.name("report", &[&scope.sender.name, kind, number, &authority, placer, &system, &code, again])
    };
    let first = name("");
    let again = taken.entry(first).and_modify(|count| *count = count.saturating_add(1)).or_insert(0);
    let id = if *again == 0 {
        first
    } else {
        row.issue(3, Issue::IdentityByPlace);
        name(&again.to_string())
    };
    let text = id.to_string();
    let own = |space: &str, parts: &[&str]| {
        let mut all = vec![text.as_str()];
        all.extend(parts);
        scope.name(space, &all).in_family_of(&id)
    };
    let specimens = match order.specimens.len() {
        0 if !order.obr.field(15).is_empty() => vec![own("specimen", &["order"])],
        _ => name_specimens(order, own),
    };
    let results = logicals(Some(order.obr), &order.results, scope, |parts| own("observation", parts));
    let request = own("request", &[]);
    let prefix = format!("{}|{number}", scope.sender.name);
    Plan { order, numbers, id, request, specimens, results, prefix, parent: None }
}

/// What a code means: the address of its system, and the code; of several codings the smallest of a standard system, else the smallest, so
/// that neither the spelling of a system nor the order of primary and alternate makes a difference. A text alone has no system.
fn meaning<'m>(value: Repetition<'m>, scope: &Scope<'_>) -> (Cow<'static, str>, Cow<'m, str>) {
    let meanings = codings(value).map(|coding| (coding.address(scope, None), coding.code));
    meanings
        .min_by_key(|(system, code)| (system.starts_with(&scope.local), system.clone(), code.clone()))
        .unwrap_or_else(|| (Cow::Borrowed(""), trimmed(text_of(value))))
}

/// Names the specimens of an order by their numbers (SPM-2), those with the same or none by their place among these.
fn name_specimens(order: &Order<'_>, name: impl Fn(&str, &[&str]) -> RecordId) -> Vec<RecordId> {
    let mut taken: HashMap<[&str; 2], usize> = HashMap::new();
    let mut ids = Vec::with_capacity(order.specimens.len());
    for noted in &order.specimens {
        let number = noted.segment.field(2).first();
        let number = [1, 2].map(|part| number.component(part).sub(1).raw().trim());
        let again = taken.entry(number).and_modify(|count| *count = count.saturating_add(1)).or_insert(0);
        let [placer, filler] = number;
        ids.push(name("specimen", &[placer, filler, &again.to_string()]));
    }
    ids
}

impl<'m> Numbers<'m> {
    fn read(order: &Order<'m>) -> Self {
        let read = |number: usize| {
            let of = |segment: Segment<'m>| Identity::entity(segment.field(number).first());
            of(order.obr).or_else(|| order.orc.and_then(of))
        };
        Self { placer: read(2), filler: read(3) }
    }
}

/// Ties child orders to their parents in the same message (OBR-29), and their results to the parent result (OBR-26), as cultures and
/// their susceptibilities are (HL7 v2.5.1 §7.4.1.26).
fn link(plans: &mut [Plan<'_, '_>], scope: &Scope<'_>) {
    for at in 0..plans.len() {
        let Some(child) = plans.get(at) else {
            return;
        };
        let row = scope.log.row(child.order.obr, Target::STRUCTURE);
        let parent_field = row.take(29, "").first();
        let result_field = row.take(26, "").first();
        if parent_field.is_empty() {
            continue;
        }
        let parent = find_parent(plans, at, &row);
        let Some(parent_at) = parent else {
            row.issue(29, Issue::ParentAbsent);
            continue;
        };
        let (code, sub_id) = (result_field.component(1).sub(1).raw(), result_field.component(2).raw());
        let request = plans.get(parent_at).map(|parent| parent.request);
        let children: Vec<RecordId> = child.results.iter().map(|result| result.id).collect();
        let organism = plans.get_mut(parent_at).and_then(|parent| find_result(&mut parent.results, code, sub_id));
        let organism = organism.map(|organism| {
            organism.members.extend(children);
            organism.id
        });
        if organism.is_none() && !result_field.is_empty() {
            row.issue(26, Issue::ParentAbsent);
        }
        if let Some(child) = plans.get_mut(at) {
            child.parent = request;
            for result in &mut child.results {
                result.derived_from = organism;
            }
        }
    }
}

/// Finds the order that OBR-29 names: by filler number, else by placer number among the orders before it.
fn find_parent(plans: &[Plan<'_, '_>], child: usize, row: &Row<'_>) -> Option<usize> {
    let field = row.peek(29).first();
    let (placer, filler) = (field.component(1).sub(1).text(), field.component(2).sub(1).text());
    let has = |number: &Option<Identity<'_>>, wanted: &str| {
        number.as_ref().is_some_and(|number| number.value == wanted.trim())
    };
    let others = || plans.iter().enumerate().filter(move |(at, _)| *at != child);
    if !filler.trim().is_empty() {
        return others().find(|(_, plan)| has(&plan.numbers.filler, &filler)).map(|(at, _)| at);
    }
    others().take(child).find(|(_, plan)| has(&plan.numbers.placer, &placer)).map(|(at, _)| at)
}

/// Finds the result that OBR-26 names; without a sub-id only where one result has the code.
fn find_result<'a, 'm, 'g>(
    results: &'a mut [Logical<'m, 'g>],
    code: &str,
    sub_id: &str,
) -> Option<&'a mut Logical<'m, 'g>> {
    if code.is_empty() {
        return None;
    }
    let fits = |result: &Logical<'_, '_>| result.key.is_called(code, sub_id);
    if results.iter().filter(|result| fits(result)).count() != 1 {
        return None;
    }
    results.iter_mut().find(|result| fits(result))
}
