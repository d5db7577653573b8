//! Hashes as short texts.

use sha2::{Digest, Sha256};

/// Bytes of a fingerprint.
const BYTES: usize = 16;

/// 32 hexadecimal digits that two lists of parts share only when they are the same list.
pub fn fingerprint<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        // The length keeps "ab", "c" from being "a", "bc".
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..BYTES])
}

/// Two lower-case digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_part_ends_makes_a_difference() {
        assert_eq!(fingerprint(["ab", "c"]).len(), 32);
        assert_eq!(
            fingerprint(["ab", "c"]),
            fingerprint(["ab".to_owned(), "c".to_owned()])
        );
        assert_ne!(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
        assert_ne!(fingerprint(["ab", "c"]), fingerprint(["ab", "c", ""]));
    }
}
