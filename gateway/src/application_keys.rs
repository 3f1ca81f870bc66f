//! The public keys of applications that registered an address: fetched from there and from nowhere else.

use domain::ports::{BoxFuture, Unavailable};
use smart::JwksSource;
use sso::http::{Destinations, EgressClient, secure};

/// Fetches the key sets of applications.
pub struct ApplicationKeys {
    /// Makes the requests.
    pub client: EgressClient,
}

impl JwksSource for ApplicationKeys {
    fn fetch<'a>(&'a self, address: &'a str) -> BoxFuture<'a, Result<String, Unavailable>> {
        Box::pin(async move {
            // The directory takes https, and plain http to this machine for trials; the address itself is the list of one.
            let own = secure(address, true).map_err(|_| Unavailable)?;
            let to = Destinations::new(&own, &[], true);
            match self.client.get(&to, address, None).await {
                Ok(reply) if reply.is_ok() => String::from_utf8(reply.body.to_vec()).map_err(|_| Unavailable),
                Ok(reply) => {
                    tracing::warn!(status = reply.status, "the keys of an application were not given");
                    Err(Unavailable)
                }
                Err(fault) => {
                    tracing::warn!(%fault, "the keys of an application cannot be fetched");
                    Err(Unavailable)
                }
            }
        })
    }
}
