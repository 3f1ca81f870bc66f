//! The service provider under test, and its identity provider.

use crate::provider::{Form, Says, Signing, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::directory::{Connection, Protocol, SamlSettings};
use domain::double::{self, FixedClock, MemoryTickets, SeededEntropy};
use domain::id::{RecordId, TenantId};
use domain::time::Timestamp;
use openssl::x509::X509;
use sso::saml::{Ask, KeyPair, Pending, Refusal, ServiceKeys, ServiceProvider, Urls, Verified, Verifier};
use std::sync::Arc;

/// A case of the suite.
pub(crate) type Case = (String, Box<dyn Fn(&House) + Send + Sync>);

/// Names a case.
pub(crate) fn case(name: impl Into<String>, case: impl Fn(&House) + Send + Sync + 'static) -> Case {
    (name.into(), Box::new(case))
}

pub(crate) const ISSUER: &str = "https://idp.hospital.example/saml?tenant=1";

/// Keys that take long to make; every case has a service provider of its own.
pub(crate) struct House {
    pub(crate) idp: Signing,
    pub(crate) next: Signing,
    pub(crate) ec: Signing,
    pub(crate) stranger: Signing,
    pub(crate) weak: Signing,
    pub(crate) pair: (String, String),
    pub(crate) second_pair: (String, String),
}

/// One service provider and what the provider believes of it.
pub(crate) struct Site {
    pub(crate) provider: ServiceProvider,
    pub(crate) connection: Connection,
    pub(crate) urls: Urls,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) tickets: Arc<MemoryTickets>,
}

impl House {
    pub(crate) fn build() -> Self {
        let pair = || {
            let made = KeyPair::make("sealgate", noon()).unwrap();
            (made.certificate_pem, made.key_pem.to_string())
        };
        Self {
            idp: Signing::rsa(2048),
            next: Signing::rsa(2048),
            ec: Signing::ec(),
            stranger: Signing::rsa(2048),
            weak: Signing::rsa(1024),
            pair: pair(),
            second_pair: pair(),
        }
    }

    /// Returns a site whose metadata names these keys of the identity provider.
    pub(crate) fn site_of(&self, keys: &[&Signing]) -> Site {
        let tickets = Arc::new(MemoryTickets::default());
        self.site_on(keys, &tickets)
    }

    /// Returns a gateway on the same database as another.
    pub(crate) fn site_on(&self, keys: &[&Signing], tickets: &Arc<MemoryTickets>) -> Site {
        let clock = Arc::new(FixedClock::new(noon()));
        let entropy = Arc::new(SeededEntropy::new(1));
        let book = double::book(tickets.clone(), &clock);
        let read = |pair: &(String, String)| KeyPair::from_pem(&pair.0, &pair.1).unwrap();
        let connection = RecordId([5; 16]);
        Site {
            provider: ServiceProvider {
                keys: ServiceKeys {
                    signing: vec![read(&self.pair)],
                    encryption: vec![read(&self.pair), read(&self.second_pair)],
                },
                verifier: Verifier::of_this_program().unwrap(),
                clock: clock.clone(),
                entropy,
                book: Arc::new(book),
            },
            connection: Connection {
                id: connection,
                tenant: TenantId([2; 16]),
                name: "Hospital".to_owned(),
                enabled: true,
                protocol: Protocol::Saml(SamlSettings {
                    groups_attribute: Some("groups".to_owned()),
                    display_attribute: Some("name".to_owned()),
                    ..SamlSettings::new(metadata(keys), ISSUER.to_owned())
                }),
                rules: Vec::new(),
                provisioning: domain::directory::Provisioning::default(),
                created: noon(),
                ended: None,
            },
            urls: Urls::at("https://results.hospital.example", connection),
            clock,
            tickets: tickets.clone(),
        }
    }

    pub(crate) fn site(&self) -> Site {
        self.site_of(&[&self.idp])
    }

    /// Returns our encryption certificates, the present one and the next.
    pub(crate) fn encryption(&self) -> [X509; 2] {
        [&self.pair, &self.second_pair].map(|pair| X509::from_pem(pair.0.as_bytes()).unwrap())
    }
}

impl Site {
    pub(crate) fn settings(&mut self) -> &mut SamlSettings {
        match &mut self.connection.protocol {
            Protocol::Saml(settings) => settings,
            Protocol::Oidc(_) => panic!("the connection speaks SAML"),
        }
    }

    /// Begins a sign-in.
    pub(crate) fn begin(&self) -> Pending {
        self.provider.begin(&self.connection, &self.urls, "relay", &Ask::default()).unwrap().pending
    }

    /// Returns what an honest identity provider says to a request.
    pub(crate) fn says(&self, pending: &Pending) -> Says {
        Says::honest(noon(), &self.urls.acs, &self.urls.metadata, ISSUER, Some(&pending.id))
    }

    /// Posts a document, and keeps it for the second verifier.
    pub(crate) fn finish(&self, pending: Option<&Pending>, document: &str) -> Result<Verified, Refusal> {
        let finished = self.finish_unseen(pending, document);
        crate::oracle::remember(&self.connection, document, &finished);
        finished
    }

    /// Posts a document that is not kept: chance made it, and what the second verifier says of it would change from run to run.
    pub(crate) fn finish_unseen(&self, pending: Option<&Pending>, document: &str) -> Result<Verified, Refusal> {
        run(self.provider.finish(&self.connection, &self.urls, pending, &STANDARD.encode(document)))
    }

    /// Posts what comes of the honest words when they are changed and then signed, as assertion.
    pub(crate) fn changed(&self, house: &House, change: impl Fn(&mut Says)) -> Result<Verified, Refusal> {
        let pending = self.begin();
        let mut says = self.says(&pending);
        change(&mut says);
        self.finish(Some(&pending), &says.response(&sign(&says.assertion(), &house.idp, &Form::default())))
    }
}

/// The moment at which everything happens.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-22T12:00:00Z").unwrap()
}

/// Renders the metadata of the identity provider with these signing keys.
pub(crate) fn metadata(keys: &[&Signing]) -> String {
    let keys: String = keys
        .iter()
        .map(|key| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{}\n\
                 </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
                key.certificate_text()
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><!-- made by hand --><md:EntityDescriptor \
         xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         entityID=\"{ISSUER}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<md:SingleLogoutService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.hospital.example/slo\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://idp.hospital.example/post\"/><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.hospital.example/sso?tenant=1\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

/// Runs a future to its end.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Checks that a sign-in was refused for this reason.
pub(crate) fn refused(result: Result<Verified, Refusal>, expected: Refusal) {
    match result {
        Ok(verified) => panic!("accepted as {}", verified.assertion.subject),
        Err(refusal) => assert_eq!(refusal, expected),
    }
}
