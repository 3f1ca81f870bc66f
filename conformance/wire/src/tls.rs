//! TLS for both suites, from files the tester names.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the certificates are.
#[derive(Debug, Clone)]
pub struct Files {
    /// PEM file with the certificates to trust.
    pub ca: PathBuf,
    /// PEM files with our own certificate chain and key, where the endpoint asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// A certificate file that cannot be used.
#[derive(Debug)]
pub struct Unusable {
    path: PathBuf,
    why: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unusable {}

/// Builds the client side of TLS 1.2 and 1.3.
///
/// # Errors
/// [`Unusable`] when a file cannot be read or does not hold what it should.
pub fn configuration(files: &Files) -> Result<Arc<ClientConfig>, Unusable> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        roots.add(certificate).map_err(|error| unusable(&files.ca, error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&files.ca, error))?
        .with_root_certificates(roots);
    let configuration = match &files.client {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
            builder.with_client_auth_cert(certificates(chain)?, private).map_err(|error| unusable(chain, error))?
        }
    };
    Ok(Arc::new(configuration))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| unusable(path, error))?;
    if found.is_empty() {
        return Err(unusable(path, "holds no certificate"));
    }
    Ok(found)
}

fn unusable(path: &Path, why: impl fmt::Display) -> Unusable {
    Unusable { path: path.to_owned(), why: why.to_string() }
}
