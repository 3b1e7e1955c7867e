/// Turns line ends into CRLF, as products do that sign text in its canonical form (RFC 8551 §3.1.1).
#[derive(Debug, Default)]
pub(crate) struct Canonical {
    after_cr: bool,
}

impl Canonical {
    /// Hands out the canonical form of the next octets.
    pub(crate) fn update(&mut self, mut input: &[u8], mut next: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr2(b'\r', b'\n', input) {
            let (line, rest) = input.split_at(end);
            if !line.is_empty() {
                next(line);
                self.after_cr = false;
            }
            match rest.split_first() {
                // The LF of a CRLF that was already written at its CR.
                Some((b'\n', rest)) if self.after_cr => {
                    self.after_cr = false;
                    input = rest;
                }
                Some((octet, rest)) => {
                    next(b"\r\n");
                    self.after_cr = *octet == b'\r';
                    input = rest;
                }
                None => return,
            }
        }
        if !input.is_empty() {
            next(input);
            self.after_cr = false;
        }
    }
}
