use super::read::Reading;
use super::reader::Section;
pub fn issuer(_name: &str, _section: Section<'_>, _reading: &mut Reading<'_, '_>) -> Option<identity::IssuerConfig> {
    None
}
