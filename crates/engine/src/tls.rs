//! TLS with verification: the chain and the host name, always.

use std::sync::Arc;

use belay_model::{Endpoint, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::EngineError;

/// Amazon's certificate authorities for RDS, as Amazon publishes them for all regions.
const RDS_ROOTS: &[u8] = include_bytes!("../assets/rds-global-bundle.pem");

/// How to connect: the one place where TLS can be off.
#[derive(Clone)]
pub(crate) enum Connector {
    /// Verified TLS.
    Tls(MakeRustlsConnect),
    /// None: a loopback address, and the target says so.
    Plain,
}

/// # Errors
/// `TargetInvalid` if TLS is off for an address that is not loopback, or if the target's roots can't be read.
pub(crate) fn connector(tls: &Tls, endpoint: &Endpoint) -> Result<Connector, EngineError> {
    let extra = match tls {
        Tls::Off if is_loopback(&endpoint.host) => return Ok(Connector::Plain),
        Tls::Off => {
            return Err(EngineError::TargetInvalid(format!(
                "tls is off, and {} is not a loopback address: nothing would tell this server from another",
                endpoint.host
            )));
        }
        Tls::VerifyFull => None,
        Tls::Ca(pem) => Some(pem),
    };
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(RDS_ROOTS).filter_map(Result::ok));
    if let Some(pem) = extra {
        let invalid = |reason: String| EngineError::TargetInvalid(format!("tls.ca is not a PEM certificate: {reason}"));
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|e| invalid(e.to_string()))?;
        if certificates.is_empty() {
            return Err(invalid("it holds none".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|e| invalid(e.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| EngineError::TargetInvalid(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Tls(MakeRustlsConnect::new(config)))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint {
            host: host.to_owned(),
            port: 5432,
            database: "d".to_owned(),
        }
    }

    #[test]
    fn tls_is_off_only_for_loopback() {
        for (host, allowed) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("localhost", true),
            ("db.example", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(connector(&Tls::Off, &endpoint(host)).is_ok(), allowed, "{host}");
        }
        assert!(connector(&Tls::VerifyFull, &endpoint("db.example")).is_ok());
    }

    #[test]
    fn amazons_roots_can_be_read() {
        let roots: Vec<_> = CertificateDer::pem_slice_iter(RDS_ROOTS)
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(roots.len() > 80, "{}", roots.len());
        let mut store = RootCertStore::empty();
        assert_eq!(store.add_parsable_certificates(roots).1, 0);
    }

    #[test]
    fn roots_that_are_none_are_refused() {
        for pem in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(
                connector(&Tls::Ca(pem.to_owned()), &endpoint("db.example")).is_err(),
                "{pem:?}"
            );
        }
    }
}
