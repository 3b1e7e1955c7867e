//! From the name of a digest to its type.

/// Evaluates `$work` with `$type` standing for the type of the digest `$digest`.
macro_rules! with_digest {
    ($digest:expr, $type:ident => $work:expr) => {
        match $digest {
            #[cfg(feature = "legacy")]
            $crate::algorithm::DigestAlgorithm::Md5 => {
                type $type = md5::Md5;
                $work
            }
            $crate::algorithm::DigestAlgorithm::Sha1 => {
                type $type = sha1::Sha1;
                $work
            }
            $crate::algorithm::DigestAlgorithm::Sha224 => {
                type $type = sha2::Sha224;
                $work
            }
            $crate::algorithm::DigestAlgorithm::Sha256 => {
                type $type = sha2::Sha256;
                $work
            }
            $crate::algorithm::DigestAlgorithm::Sha384 => {
                type $type = sha2::Sha384;
                $work
            }
            $crate::algorithm::DigestAlgorithm::Sha512 => {
                type $type = sha2::Sha512;
                $work
            }
        }
    };
}

pub(super) use with_digest;
