//! What the API server needs to know whom it may trust.

use p256::SecretKey;
use p256::elliptic_curve::Generate;
use p256::pkcs8::{EncodePublicKey, LineEnding};

use super::base64::base64;
use crate::node::NODE_NAME;
use crate::scratch::Scratch;
use crate::{Error, Result};

pub(super) const PRIVATE_KEY: &str = "service-accounts.key";
pub(super) const PUBLIC_KEY: &str = "service-accounts.pub";
pub(super) const TOKENS: &str = "tokens.csv";

/// The tokens of those who are no service accounts.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) admin: String,
    /// A kubelet's, which the API server lets see its own pods alone.
    pub(super) kubelet: String,
    pub(super) proxy: String,
}

/// Writes the keys that sign service account tokens and the file with the tokens, which it returns.
pub(super) fn write(scratch: &Scratch) -> Result<Tokens> {
    let private = SecretKey::generate();
    let failed = |error: &dyn std::fmt::Display| {
        let source = std::io::Error::other(error.to_string());
        Error::file("encode", scratch.file(PRIVATE_KEY))(source)
    };
    let pem = private
        .to_sec1_pem(LineEnding::LF)
        .map_err(|error| failed(&error))?;
    let public = private
        .public_key()
        .to_public_key_pem(LineEnding::LF)
        .map_err(|error| failed(&error))?;
    scratch.write(PRIVATE_KEY, &pem)?;
    scratch.write(PUBLIC_KEY, &public)?;
    // A key's bytes are a good token. Anybody on the machine may reach the port.
    let token = || base64(&SecretKey::generate().to_bytes());
    let tokens = Tokens {
        admin: token(),
        kubelet: token(),
        proxy: token(),
    };
    let lines = [
        format!("{},admin,admin,\"system:masters\"", tokens.admin),
        format!(
            "{},system:node:{NODE_NAME},kubelet,\"system:nodes\"",
            tokens.kubelet
        ),
        format!("{},system:kube-proxy,proxy,", tokens.proxy),
    ];
    scratch.write(TOKENS, &(lines.join("\n") + "\n"))?;
    Ok(tokens)
}
