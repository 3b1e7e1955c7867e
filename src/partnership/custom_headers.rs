use std::fmt;
use std::ops::Deref;

/// Header fields of the host's own, in their order. Their values may be credentials, so only the names are shown.
#[derive(Clone, Default)]
pub(crate) struct CustomHeaders(Vec<(String, String)>);

impl CustomHeaders {
    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }
}

impl Deref for CustomHeaders {
    type Target = [(String, String)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}
