//! TLS as `sslmode` asks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::model::{Error, Result};

/// What is asked of the server's certificate, where TLS is used at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// Nothing: whoever answers is trusted.
    Unverified,
    /// That one of these authorities has signed it for the host that the URL names.
    Verified(Authorities),
}

/// Who is trusted to sign a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorities {
    OfSystem,
    /// Those of a file, in PEM.
    File(PathBuf),
}

/// The TLS half of connections.
///
/// # Errors
/// [`Error::InvalidInput`] if the file of authorities cannot be read or holds none.
pub(super) fn connector(tls: &Tls) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid("TLS", error.to_string()))?;
    let config = match tls {
        Tls::Unverified => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
            .with_no_client_auth(),
        Tls::Verified(authorities) => {
            let roots = match authorities {
                Authorities::OfSystem => of_system()?,
                Authorities::File(path) => of_file(path)?,
            };
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn of_system() -> Result<RootCertStore> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some systems list certificates that are not valid: those cannot sign anything.
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        let reasons: Vec<_> = loaded.errors.iter().map(ToString::to_string).collect();
        return Err(Error::invalid(
            "connection URL",
            format!(
                "this system has no certificate authorities ({}): install them, say Debian's package \
                 ca-certificates, or name a file by sslrootcert",
                if reasons.is_empty() { "none found".to_owned() } else { reasons.join("; ") }
            ),
        ));
    }
    Ok(roots)
}

fn of_file(path: &Path) -> Result<RootCertStore> {
    let invalid = |reason: String| {
        let reason = format!("sslrootcert {} {reason}", path.display());
        Error::invalid("connection URL", reason)
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| invalid(format!("cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate =
            certificate.map_err(|error| invalid(format!("is not valid PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| invalid(format!("holds an invalid certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(invalid("holds no certificate in PEM".to_owned()));
    }
    Ok(roots)
}

/// Accepts every certificate, as `sslmode=require` does by its definition: what is sent is encrypted, but for whoever
/// answers.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
