//! What every part of the mapping needs to know: the sender, the keys for names, and the account being kept.

use domain::id::RecordId;
use domain::keys::NameKey;
use domain::time::Timestamp;
use r4::json::Object;
use r4::tables::uri;

use super::SenderProfile;
use super::directory::Directory;
use super::identity::percent;
use super::issue::Issue;
use super::log::{Log, Row};
use super::moment::Moment;

/// The surroundings of one mapping.
pub(super) struct Scope<'m> {
    pub(super) sender: &'m SenderProfile,
    pub(super) names: &'m NameKey,
    pub(super) log: &'m Log,
    pub(super) directory: Directory<'m>,
    /// MSH-7, when the message was made.
    pub(super) sent: Option<Moment>,
    /// When its last byte arrived.
    pub(super) received: Timestamp,
    /// Where everything lies that means something only beside this sender's name.
    pub(super) local: String,
}

impl<'m> Scope<'m> {
    pub(super) fn new(
        sender: &'m SenderProfile,
        names: &'m NameKey,
        log: &'m Log,
        sent: Option<Moment>,
        received: Timestamp,
    ) -> Self {
        let local = format!("{}:sender:{}", uri::OURS, percent(&sender.name));
        Self { sender, names, log, directory: Directory::default(), sent, received, local }
    }

    /// Returns the id of something this sender names.
    pub(super) fn name(&self, space: &str, parts: &[&str]) -> RecordId {
        self.names.name(space, parts)
    }

    /// Returns when the message says it was made, or when it arrived; never later than that.
    ///
    /// A sender whose clock is ahead must not freeze its reports until the day it dreams of.
    pub(super) fn as_of(&self) -> Timestamp {
        self.sent.as_ref().filter(|sent| sent.timed).map_or(self.received, |sent| sent.at.min(self.received))
    }

    /// Reads a date of a row; an invalid one is an issue and its text is handed back.
    pub(super) fn moment(&self, row: &Row<'_>, field: u8, text: &str) -> Option<Moment> {
        if text.trim().is_empty() {
            return None;
        }
        let moment = Moment::read(text, &self.sender.time_zone);
        if moment.is_none() {
            row.issue(field, Issue::DateInvalid);
        }
        moment
    }

    /// Writes a date of a row as element `name`; of an invalid one its text, as an extension of the element. Says whether a date was written.
    pub(super) fn write_moment(&self, json: &mut Object<'_>, name: &str, row: &Row<'_>, field: u8, text: &str) -> bool {
        if text.trim().is_empty() {
            return false;
        }
        match self.moment(row, field, text) {
            Some(moment) => {
                moment.write(json, name, &self.sender.time_zone);
                true
            }
            None => {
                write_original_text(json, name, text);
                false
            }
        }
    }
}

/// Writes the text that could not be read as element `name`.
pub(super) fn write_original_text(json: &mut Object<'_>, name: &str, text: &str) {
    json.object(&format!("_{name}"), |beside| {
        beside.single("extension", |extension| {
            extension.text("url", uri::ORIGINAL_TEXT);
            extension.text("valueString", text);
        });
    });
}
