use rand_core::CryptoRng;
use std::time::SystemTime;
#[derive(Debug)]
pub(super) struct KeyGuard;
impl KeyGuard {
    pub(super) fn new(_: &mut dyn CryptoRng) -> Self {
        Self
    }
    pub(super) fn admit(&self, _: &[Vec<u8>], _: [u8; 32], _: SystemTime) -> bool {
        true
    }
}
