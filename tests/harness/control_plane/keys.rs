//! What the API server needs to know whom it may trust.

use p256::SecretKey;
use p256::elliptic_curve::Generate;
use p256::pkcs8::{EncodePublicKey, LineEnding};

use super::base64::base64;
use crate::scratch::Scratch;
use crate::{Error, Result};

pub(super) const PRIVATE_KEY: &str = "service-accounts.key";
pub(super) const PUBLIC_KEY: &str = "service-accounts.pub";
pub(super) const TOKENS: &str = "tokens.csv";

/// Writes the keys that sign service account tokens and the file with the administrator's token,
/// which it returns.
pub(super) fn write(scratch: &Scratch) -> Result<String> {
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
    let token = base64(&SecretKey::generate().to_bytes());
    scratch.write(TOKENS, &format!("{token},admin,admin,\"system:masters\"\n"))?;
    Ok(token)
}
