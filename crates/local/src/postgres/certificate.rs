//! What a server with TLS shows to its clients.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::aws::failed;
use crate::error::Result;

/// A server's certificate and the root that vouches for it.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The server's certificate, in PEM.
    pub chain: String,
    /// Its private key, in PEM.
    pub key: String,
    /// The root's certificate, in PEM: whoever trusts this root trusts the server.
    pub root: String,
}

impl Certificate {
    /// Issues a certificate for these host names and addresses, by a root of its own.
    ///
    /// # Errors
    /// One is not a name.
    pub fn issue(names: &[&str]) -> Result<Self> {
        issue(names).map_err(failed("issuing a certificate"))
    }
}

fn issue(names: &[&str]) -> Result<Certificate, rcgen::Error> {
    let mut root = CertificateParams::new(Vec::new())?;
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate()?;
    let root_certificate = root.self_signed(&root_key)?;
    let key = KeyPair::generate()?;
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let certificate = CertificateParams::new(names)?.signed_by(&key, &Issuer::new(root, root_key))?;
    Ok(Certificate {
        chain: certificate.pem(),
        key: key.serialize_pem(),
        root: root_certificate.pem(),
    })
}
