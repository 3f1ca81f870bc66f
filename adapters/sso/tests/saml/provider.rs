//! An identity provider of the tests: renders, signs and encrypts as asked, also what no honest one would.
//!
//! What is signed is rendered in exclusive canonical form right away (attributes sorted, namespaces declared where they
//! are first used, no empty-element tags), so its bytes are what a verifier digests. No XML library takes part: this is
//! a second opinion on the verifier.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::time::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::encrypt::Encrypter;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;
use openssl::symm;
use openssl::x509::X509;

pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
pub(crate) const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
pub(crate) const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// A key that signs, and its certificate.
pub(crate) struct Signing {
    pub(crate) key: PKey<Private>,
    pub(crate) certificate: X509,
}

impl Signing {
    pub(crate) fn rsa(bits: u32) -> Self {
        Self::of(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
    }

    pub(crate) fn ec() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self::of(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    fn of(key: PKey<Private>) -> Self {
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    pub(crate) fn certificate_text(&self) -> String {
        STANDARD.encode(self.certificate.to_der().unwrap())
    }

    /// Signs bytes as XML signatures do: the two numbers of ECDSA side by side.
    pub(crate) fn sign(&self, digest: MessageDigest, bytes: &[u8]) -> Vec<u8> {
        let signature = Signer::new(digest, &self.key).unwrap().sign_oneshot_to_vec(bytes).unwrap();
        if self.key.id() == Id::RSA {
            return signature;
        }
        let both = EcdsaSig::from_der(&signature).unwrap();
        [both.r().to_vec_padded(32).unwrap(), both.s().to_vec_padded(32).unwrap()].concat()
    }
}

/// How a signature is made.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) method: &'static str,
    pub(crate) digest: &'static str,
    pub(crate) canonical: &'static str,
    pub(crate) transforms: Vec<String>,
    /// `None`: `#` and the identifier of what is signed.
    pub(crate) uri: Option<String>,
    /// How often the reference is there.
    pub(crate) references: usize,
    /// What is in `KeyInfo`; `None`: no `KeyInfo`.
    pub(crate) key_info: Option<String>,
    /// What comes after it.
    pub(crate) object: String,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            method: RSA_SHA256,
            digest: SHA256,
            canonical: EXC,
            transforms: vec![transform(ENVELOPED), transform(EXC)],
            uri: None,
            references: 1,
            key_info: None,
            object: String::new(),
        }
    }
}

pub(crate) fn transform(algorithm: &str) -> String {
    format!("<ds:Transform Algorithm=\"{algorithm}\"></ds:Transform>")
}

/// Renders the signature of an element that is in canonical form.
pub(crate) fn signature(element: &str, id: &str, signing: &Signing, form: &Form) -> String {
    let digest = |name| match name {
        SHA1 | RSA_SHA1 => MessageDigest::sha1(),
        _ => MessageDigest::sha256(),
    };
    let digested = STANDARD.encode(hash(digest(form.digest), element.as_bytes()).unwrap());
    let uri = form.uri.clone().unwrap_or_else(|| format!("#{id}"));
    let transforms = if form.transforms.is_empty() {
        String::new()
    } else {
        format!("<ds:Transforms>{}</ds:Transforms>", form.transforms.concat())
    };
    let reference = format!(
        "<ds:Reference URI=\"{uri}\">{transforms}<ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
         <ds:DigestValue>{digested}</ds:DigestValue></ds:Reference>",
        form.digest
    );
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>{}</ds:SignedInfo>",
        form.canonical,
        form.method,
        reference.repeat(form.references)
    );
    let signed = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}");
    let value = STANDARD.encode(signing.sign(digest(form.method), signed.as_bytes()));
    let key_info = form.key_info.as_ref().map(|key| format!("<ds:KeyInfo>{key}</ds:KeyInfo>")).unwrap_or_default();
    format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}<ds:SignatureValue>{value}</ds:SignatureValue>\
         {key_info}{}</ds:Signature>",
        form.object
    )
}

/// Puts a signature behind the issuer that comes first.
pub(crate) fn put(element: &str, signature: &str) -> String {
    element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}

/// Signs an element that is in canonical form.
pub(crate) fn sign(element: &str, signing: &Signing, form: &Form) -> String {
    put(element, &signature(element, &id_of(element), signing, form))
}

/// Returns the first `ID` of an element.
pub(crate) fn id_of(element: &str) -> String {
    element.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// What a response says; each part as XML text, so that a test may make it wrong.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) response_id: String,
    pub(crate) assertion_id: String,
    pub(crate) version: &'static str,
    pub(crate) assertion_version: &'static str,
    pub(crate) issued: Timestamp,
    pub(crate) assertion_issued: Timestamp,
    pub(crate) destination: Option<String>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) issuer: String,
    pub(crate) response_issuer: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) name_id: String,
    pub(crate) method: String,
    pub(crate) confirmation: String,
    pub(crate) conditions: String,
    pub(crate) authn: String,
    pub(crate) attributes: String,
}

impl Says {
    /// What an honest identity provider says at this moment to this request.
    pub(crate) fn honest(now: Timestamp, acs: &str, audience: &str, issuer: &str, request: Option<&str>) -> Self {
        let (before, after) = (now.plus_seconds(-5).rfc3339(), now.plus_seconds(300).rfc3339());
        let answers = request.map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
        Self {
            response_id: "_response".to_owned(),
            assertion_id: "_assertion".to_owned(),
            version: "2.0",
            assertion_version: "2.0",
            issued: now,
            assertion_issued: now,
            destination: Some(acs.to_owned()),
            in_response_to: request.map(str::to_owned),
            issuer: issuer.to_owned(),
            response_issuer: Some(issuer.to_owned()),
            status: Some("urn:oasis:names:tc:SAML:2.0:status:Success".to_owned()),
            name_id: "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">alice</saml:NameID>".to_owned(),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".to_owned(),
            confirmation: format!(
                "<saml:SubjectConfirmationData{answers} NotOnOrAfter=\"{after}\" Recipient=\"{acs}\"></saml:SubjectConfirmationData>"
            ),
            conditions: format!(
                "<saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{after}\"><saml:AudienceRestriction>\
                 <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
            ),
            authn: format!(
                "<saml:AuthnStatement AuthnInstant=\"{before}\" SessionIndex=\"_session\"><saml:AuthnContext>\
                 <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>\
                 </saml:AuthnContext></saml:AuthnStatement>"
            ),
            attributes: "<saml:AttributeStatement><saml:Attribute Name=\"groups\"><saml:AttributeValue>providers</saml:AttributeValue>\
                 <saml:AttributeValue>ward &amp; lab</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"name\">\
                 <saml:AttributeValue>Alice \u{c5}berg</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
                .to_owned(),
        }
    }

    /// Renders the assertion in canonical form.
    pub(crate) fn assertion(&self) -> String {
        format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"{}\" IssueInstant=\"{}\" Version=\"{}\">\
             <saml:Issuer>{}</saml:Issuer><saml:Subject>{}<saml:SubjectConfirmation Method=\"{}\">{}</saml:SubjectConfirmation>\
             </saml:Subject>{}{}{}</saml:Assertion>",
            self.assertion_id,
            self.assertion_issued.rfc3339(),
            self.assertion_version,
            self.issuer,
            self.name_id,
            self.method,
            self.confirmation,
            self.conditions,
            self.authn,
            self.attributes
        )
    }

    /// Renders the response around something in canonical form.
    pub(crate) fn response(&self, content: &str) -> String {
        let attribute = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name}=\"{value}\"")).unwrap_or_default()
        };
        let issuer = self.response_issuer.as_ref();
        let issuer = issuer.map(|issuer| format!("<saml:Issuer xmlns:saml=\"{ASSERTION}\">{issuer}</saml:Issuer>"));
        let status = self.status.as_ref().map(|status| {
            format!("<samlp:Status><samlp:StatusCode Value=\"{status}\"></samlp:StatusCode></samlp:Status>")
        });
        format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL}\"{} ID=\"{}\"{} IssueInstant=\"{}\" Version=\"{}\">{}{}{content}</samlp:Response>",
            attribute("Destination", &self.destination),
            self.response_id,
            attribute("InResponseTo", &self.in_response_to),
            self.issued.rfc3339(),
            self.version,
            issuer.unwrap_or_default(),
            status.unwrap_or_default(),
        )
    }
}

/// How an assertion is encrypted.
#[derive(Clone, Copy)]
pub(crate) struct Sealing {
    pub(crate) cipher: &'static str,
    pub(crate) wrap: &'static str,
    pub(crate) digest: Option<&'static str>,
    pub(crate) mask: Option<&'static str>,
}

pub(crate) const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub(crate) const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub(crate) const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
pub(crate) const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
pub(crate) const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub(crate) const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
pub(crate) const RSA1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
pub(crate) const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";

impl Sealing {
    pub(crate) const GCM: Self = Self { cipher: AES256_GCM, wrap: OAEP_MGF1P, digest: None, mask: None };
    pub(crate) const CBC: Self = Self { cipher: AES128_CBC, wrap: OAEP_MGF1P, digest: None, mask: None };
}

/// Encrypts for a certificate; `change` may alter the ciphertext.
pub(crate) fn encrypt(text: &str, certificate: &X509, sealing: Sealing, change: &dyn Fn(&mut Vec<u8>)) -> String {
    let (cipher, gcm) = match sealing.cipher {
        AES128_GCM => (symm::Cipher::aes_128_gcm(), true),
        AES256_GCM => (symm::Cipher::aes_256_gcm(), true),
        AES128_CBC => (symm::Cipher::aes_128_cbc(), false),
        _ => (symm::Cipher::aes_256_cbc(), false),
    };
    let (mut key, mut iv) = (vec![0; cipher.key_len()], vec![0; if gcm { 12 } else { 16 }]);
    openssl::rand::rand_bytes(&mut key).unwrap();
    openssl::rand::rand_bytes(&mut iv).unwrap();
    let mut bytes = iv.clone();
    if gcm {
        let mut tag = [0; 16];
        bytes.extend(symm::encrypt_aead(cipher, &key, Some(&iv), &[], text.as_bytes(), &mut tag).unwrap());
        bytes.extend(tag);
    } else {
        bytes.extend(symm::encrypt(cipher, &key, Some(&iv), text.as_bytes()).unwrap());
    }
    change(&mut bytes);
    let wrapped = wrap(&key, &certificate.public_key().unwrap(), sealing);
    let digest = sealing
        .digest
        .map(|name| format!("<ds:DigestMethod xmlns:ds=\"{DSIG}\" Algorithm=\"{name}\"></ds:DigestMethod>"));
    let mask = sealing.mask.map(|name| {
        format!("<xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"{name}\"></xenc11:MGF>")
    });
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"{ASSERTION}\"><xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
         Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod Algorithm=\"{}\"></xenc:EncryptionMethod>\
         <ds:KeyInfo xmlns:ds=\"{DSIG}\"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=\"{}\">{}{}</xenc:EncryptionMethod>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>",
        sealing.cipher,
        sealing.wrap,
        digest.unwrap_or_default(),
        mask.unwrap_or_default(),
        STANDARD.encode(wrapped),
        STANDARD.encode(&bytes),
    )
}

fn wrap(key: &[u8], public: &PKeyRef<Public>, sealing: Sealing) -> Vec<u8> {
    let mut encrypter = Encrypter::new(public).unwrap();
    if sealing.wrap == RSA1_5 {
        encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
    } else {
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        let of = |name: Option<&str>| if name.is_some() { MessageDigest::sha256() } else { MessageDigest::sha1() };
        encrypter.set_rsa_oaep_md(of(sealing.digest)).unwrap();
        encrypter.set_rsa_mgf1_md(of(sealing.mask)).unwrap();
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(key).unwrap()];
    let length = encrypter.encrypt(key, &mut wrapped).unwrap();
    wrapped.truncate(length);
    wrapped
}
