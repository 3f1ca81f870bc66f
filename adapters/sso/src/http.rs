//! Requests that leave the gateway: over TLS, to the hosts that a connection names, and nowhere else.
//!
//! No redirect is followed, no proxy is taken from the environment, no answer is longer and none takes longer than its
//! limit. Which hosts are allowed is decided by their names as they are written in a URL, and the certificate has to fit the name. What
//! DNS says of them changes nothing, except where the names are not the operator's: see [`Destinations::guarded`].

use crate::near::{Guard, TooNear};
use domain::directory::AddressRange;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode, Url, header, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Makes the requests. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct EgressClient {
    client: Client,
    /// The same, for destinations that are guarded.
    guarded: Client,
    guard: Guard,
    limits: Limits,
}

/// How long an exchange may take and how much may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first look-up of the name to the last byte of the answer.
    pub time: Duration,
    /// The longest body, in bytes.
    pub body_bytes: usize,
}

impl Default for Limits {
    /// Ten seconds and one MiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(10), body_bytes: 1 << 20 }
    }
}

/// The hosts and ports that requests of one connection may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destinations {
    places: Vec<(String, u16)>,
    http_loopback: bool,
    guarded: bool,
}

/// What came back, with whatever status.
pub struct Reply {
    /// The status code; never one of a redirect.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer. Says nothing of what was sent or what came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The text is no absolute URL, or it holds a name and password.
    Url,
    /// The URL is neither https, nor http to this machine where the connection allows that.
    NotHttps,
    /// The host and port are not among the destinations.
    NotAllowed,
    /// The other end wanted to send us elsewhere.
    Redirected,
    /// The body is longer than its limit.
    TooLarge,
    /// The answer was not complete in time.
    TimedOut,
    /// The certificate does not fit the name, or no authority that we trust signed it.
    Untrusted,
    /// There was no connection, or it broke.
    Unreachable,
    /// The name leads to an address near the gateway, and whoever wrote the name is not who operates it.
    Near,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Url => "not an absolute URL without a name and password",
            Fault::NotHttps => "the URL must begin with https",
            Fault::NotAllowed => "the host is not in the egress list of the connection",
            Fault::Redirected => "a redirect was refused",
            Fault::TooLarge => "the answer is too long",
            Fault::TimedOut => "the answer was not complete in time",
            Fault::Untrusted => "the certificate is not trusted",
            Fault::Unreachable => "the host cannot be reached",
            Fault::Near => "the host is in a private network that is not allowed",
        })
    }
}

impl std::error::Error for Fault {}

/// Why the client cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMade {
    /// The file of further authorities cannot be read or holds no certificate in PEM form that can be an authority.
    Authorities,
    /// This build has no TLS.
    Tls,
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotMade::Authorities => "the file of certificate authorities cannot be read or holds none in PEM form",
            NotMade::Tls => "this build has no TLS",
        })
    }
}

impl std::error::Error for NotMade {}

impl EgressClient {
    /// Makes a client that trusts the machine's authorities and those in a PEM file, such as a hospital's own.
    ///
    /// A machine without authorities is no error: then only those in the file are trusted, or nobody.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn new(authorities: Option<&Path>, limits: Limits) -> Result<Self, NotMade> {
        Self::allowing(authorities, limits, &[])
    }

    /// Makes a client that goes for guarded destinations also to these ranges of private addresses.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn allowing(authorities: Option<&Path>, limits: Limits, ranges: &[AddressRange]) -> Result<Self, NotMade> {
        let (config, guard) = (tls(authorities)?, Guard::allowing(ranges));
        let client = builder(config.clone(), limits).build().map_err(|_| NotMade::Tls)?;
        let guarded = builder(config, limits).dns_resolver(Arc::new(guard.clone())).build();
        Ok(Self { client, guarded: guarded.map_err(|_| NotMade::Tls)?, guard, limits })
    }

    /// Gets a document, showing a bearer token where there is one.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn get(&self, to: &Destinations, url: &str, bearer: Option<&str>) -> Result<Reply, Fault> {
        let request = self.request(to, Method::GET, url)?;
        self.exchange(match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// Posts a form, with a name and password where they are given (RFC 7617).
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn post_form(
        &self,
        to: &Destinations,
        url: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<Reply, Fault> {
        let request = self.request(to, Method::POST, url)?.form(form);
        self.exchange(match basic {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request,
        })
        .await
    }

    /// Posts a JSON text with one header besides, such as a signature of it.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn post_json(
        &self,
        to: &Destinations,
        url: &str,
        json: String,
        (name, value): (&'static str, &str),
    ) -> Result<Reply, Fault> {
        let request = self.request(to, Method::POST, url)?;
        self.exchange(request.header(header::CONTENT_TYPE, "application/json").header(name, value).body(json)).await
    }

    fn request(&self, to: &Destinations, method: Method, url: &str) -> Result<RequestBuilder, Fault> {
        let url = to.permit(url)?;
        if !to.guarded {
            return Ok(self.client.request(method, url));
        }
        // A number is not looked up.
        match number(&url) {
            Some(address) if !self.guard.admits(address) => Err(Fault::Near),
            Some(_) | None => Ok(self.guarded.request(method, url)),
        }
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Reply, Fault> {
        let answer = request.header(header::ACCEPT, "application/json").send().await.map_err(|error| fault(&error))?;
        let status = answer.status();
        // 304 is no answer either: nothing conditional was asked.
        if status.is_redirection() {
            return Err(Fault::Redirected);
        }
        Ok(Reply { status: status.as_u16(), body: self.body(answer).await? })
    }

    async fn body(&self, mut answer: Response) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(|error| fault(&error))? {
            if body.len().saturating_add(chunk.len()) > self.limits.body_bytes {
                return Err(Fault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Destinations {
    /// Names the destinations: the host and port of `own`, and each `host` or `host:port` in `further`.
    ///
    /// An entry without a port means 443; an entry that is no host is passed over. `http_loopback` allows http without TLS to
    /// addresses of this machine, for tests.
    #[must_use]
    pub fn new(own: &Url, further: &[String], http_loopback: bool) -> Self {
        let further = further.iter().filter_map(|entry| Url::parse(&format!("https://{entry}/")).ok());
        let further = further.filter(|url| url.path() == "/" && bare(url) && url.query().is_none());
        let places = std::iter::once(own.clone()).chain(further).filter_map(|url| place(&url)).collect();
        Self { places, http_loopback, guarded: false }
    }

    /// Keeps requests from addresses near the gateway, but for the ranges that the client allows: for destinations that somebody named
    /// who administers a tenant, and does not operate the machine.
    #[must_use]
    pub fn guarded(self, guarded: bool) -> Self {
        Self { guarded, ..self }
    }

    /// Says whether a request may go to this URL.
    ///
    /// # Errors
    /// [`Fault::Url`], [`Fault::NotHttps`], [`Fault::NotAllowed`].
    pub fn permit(&self, url: &str) -> Result<Url, Fault> {
        let url = secure(url, self.http_loopback)?;
        match place(&url) {
            Some(place) if self.places.contains(&place) => Ok(url),
            _ => Err(Fault::NotAllowed),
        }
    }
}

/// Reads a URL that is https, or http to this machine where that is allowed; wherever it leads otherwise.
///
/// # Errors
/// [`Fault::Url`], [`Fault::NotHttps`].
pub fn secure(url: &str, http_loopback: bool) -> Result<Url, Fault> {
    let url = Url::parse(url).map_err(|_| Fault::Url)?;
    match url.scheme() {
        "https" => {}
        "http" if http_loopback && is_loopback(&url) => {}
        _ => return Err(Fault::NotHttps),
    }
    if bare(&url) && url.fragment().is_none() { Ok(url) } else { Err(Fault::Url) }
}

fn bare(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

fn place(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || number(url).is_some_and(|address| address.is_loopback())
}

/// Returns the address that stands in a URL instead of a name.
fn number(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn builder(config: ClientConfig, limits: Limits) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent("Sealgate")
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(limits.time)
        .timeout(limits.time)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
}

fn tls(authorities: Option<&Path>) -> Result<ClientConfig, NotMade> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = authorities {
        let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let read = read.ok().filter(|certificates| !certificates.is_empty()).ok_or(NotMade::Authorities)?;
        for certificate in read {
            roots.add(certificate).map_err(|_| NotMade::Authorities)?;
        }
    }
    // The provider is named here, since another client in this process may have installed none or another.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.map_err(|_| NotMade::Tls)?.with_root_certificates(roots).with_no_client_auth())
}

fn fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::TimedOut;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return Fault::Untrusted;
        }
        if error.is::<TooNear>() {
            return Fault::Near;
        }
        cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            // What an I/O error wraps is not its source: that is the source of what it wraps.
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    Fault::Unreachable
}

impl Reply {
    /// Says whether the status is 200.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == StatusCode::OK.as_u16()
    }
}

/// Idle connections kept for each host; an identity provider is asked a few times a minute.
const IDLE_CONNECTIONS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn destinations(further: &[&str], http_loopback: bool) -> Destinations {
        let further: Vec<String> = further.iter().map(|entry| (*entry).to_owned()).collect();
        Destinations::new(&Url::parse("https://idp.example/realms/a").unwrap(), &further, http_loopback)
    }

    #[test]
    fn a_host_and_port_outside_the_list_is_refused() {
        let to = destinations(&["keys.example", "token.example:8443"], false);
        for allowed in [
            "https://idp.example/x",
            "https://IDP.example:443/",
            "https://keys.example/",
            "https://token.example:8443/t",
        ] {
            assert!(to.permit(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "https://idp.example:8443/",
            "https://token.example/",
            "https://idp.example.evil.example/",
            "https://evil.example/https://idp.example/",
            "https://169.254.169.254/latest",
            "https://idp.example./",
        ] {
            assert_eq!(to.permit(refused), Err(Fault::NotAllowed), "{refused}");
        }
    }

    #[test]
    fn only_https_is_used_and_http_only_to_this_machine_where_allowed() {
        let (strict, tests) = (
            destinations(&["127.0.0.1:80", "[::1]:80"], false),
            destinations(&["127.0.0.1:80", "[::1]:80", "10.0.0.1:80"], true),
        );
        assert_eq!(strict.permit("http://127.0.0.1/"), Err(Fault::NotHttps));
        assert!(tests.permit("http://127.0.0.1/").is_ok());
        assert!(tests.permit("http://[::1]/").is_ok());
        assert_eq!(tests.permit("http://10.0.0.1/"), Err(Fault::NotHttps));
        assert_eq!(tests.permit("http://idp.example:443/"), Err(Fault::NotHttps));
        assert_eq!(tests.permit("file:///etc/passwd"), Err(Fault::NotHttps));
    }

    #[test]
    fn a_url_with_a_name_or_a_fragment_is_refused() {
        let to = destinations(&[], false);
        for refused in
            ["https://a@idp.example/", "https://a:b@idp.example/", "https://idp.example/#x", "/relative", "idp.example"]
        {
            assert_eq!(to.permit(refused), Err(Fault::Url), "{refused}");
        }
        assert_eq!(
            destinations(&["evil.example/x", "a@evil.example", ""], false),
            to,
            "what is no host is passed over"
        );
    }
}
