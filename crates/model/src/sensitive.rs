//! Secrets that can't be printed by accident.

use std::fmt;

use zeroize::Zeroize;

/// A secret. It has no `Display` and no `Serialize`, its `Debug` says nothing, and its memory is wiped when it goes.
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Takes a secret in.
    pub fn new(secret: T) -> Self {
        Self(secret)
    }

    /// Fills it in place, so that it is nowhere else.
    pub fn change<R>(&mut self, fill: impl FnOnce(&mut T) -> R) -> R {
        fill(&mut self.0)
    }

    /// The secret itself. Every use of this name is a place to audit.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + Clone> Clone for Sensitive<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(…)")
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", Sensitive::new("hunter2".to_owned())), "Sensitive(…)");
    }
}
