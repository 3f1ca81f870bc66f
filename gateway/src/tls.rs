//! TLS for both listeners: certificates from PEM files, TLS 1.2 and 1.3, client certificates where asked for.

use crate::config::Tls;
use crate::exit::{Exit, Outcome, Stop};
use keys::file::read_secret_file;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;

/// Makes the server side of TLS.
///
/// # Errors
/// [`Exit::Configuration`] with the file that is wrong.
pub fn server(tls: &Tls) -> Outcome<ServerConfig> {
    let certificates = certificates(&tls.certificate_file)?;
    let key = read_secret_file(&tls.key_file).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
    let key = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_| wrong(&tls.key_file, "holds no private key in PEM form"))?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| Stop::new(Exit::Failed, "this build has no TLS versions"))?;
    let builder = match &tls.client_ca_file {
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(file)?), provider())
                .build()
                .map_err(|_| wrong(file, "holds no certificate authority"))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    builder
        .with_single_cert(certificates, key)
        .map_err(|_| wrong(&tls.certificate_file, "does not fit the private key"))
}

/// Makes the client side of TLS, trusting the certificates in a file alone.
///
/// # Errors
/// [`Exit::Configuration`] with the file that is wrong.
pub fn client(authorities: &Path) -> Outcome<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| Stop::new(Exit::Failed, "this build has no TLS versions"))?
        .with_root_certificates(roots(authorities)?)
        .with_no_client_auth())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(file: &Path) -> Outcome<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(wrong(file, "holds no certificate in PEM form, or cannot be read")),
    }
}

fn roots(file: &Path) -> Outcome<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(file)? {
        store.add(certificate).map_err(|_| wrong(file, "holds a certificate that cannot be an authority"))?;
    }
    Ok(store)
}

fn wrong(file: &Path, what: &str) -> Stop {
    Stop::new(Exit::Configuration, format!("{} {what}", file.display()))
}
