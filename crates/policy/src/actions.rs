//! The actions that are policy's own, whatever the protocol. All are in no group, so a policy must name them.

use model::ActionId;

/// Open a session to a target.
pub const CONNECT: ActionId = ActionId("connect");
/// Run what could not be understood in full.
pub const OPAQUE: ActionId = ActionId("opaque");
/// See a classified field's values as they are.
pub const SEE: ActionId = ActionId("see");
/// See a part of a classified field's values.
pub const SEE_PARTIAL: ActionId = ActionId("see_partial");
/// See keyed tokens in place of a classified field's values.
pub const SEE_TOKEN: ActionId = ActionId("see_token");
/// Put values into a classified field as they are.
pub const STORE: ActionId = ActionId("store");
/// Put values into a classified field, cut to a part.
pub const STORE_PARTIAL: ActionId = ActionId("store_partial");
/// Put values into a classified field as tokens.
pub const STORE_TOKEN: ActionId = ActionId("store_token");
/// Change a classified field whose values the caller may not see.
pub const OVERWRITE: ActionId = ActionId("overwrite");
/// Search, compare, sort or group by a classified field whose values the caller may not see.
pub const PROBE: ActionId = ActionId("probe");
/// Agree to what another principal asks.
pub const APPROVE: ActionId = ActionId("approve");
/// Take data out in bulk.
pub const EXPORT: ActionId = ActionId("export");

/// What an own action is asked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// The target and its parts.
    Parts,
    /// The target, its parts and fields.
    Everything,
    /// Classified fields alone.
    Fields,
}

/// Every own action, what it is asked on, and a line for the reference.
pub(crate) const OWN: [(ActionId, On, &str); 12] = [
    (CONNECT, On::Parts, "Open a session to a target."),
    (OPAQUE, On::Parts, "Run what could not be understood in full."),
    (SEE, On::Fields, "See the values of a classified field as they are."),
    (SEE_PARTIAL, On::Fields, "See a part of each value, in the style of its class."),
    (SEE_TOKEN, On::Fields, "See a keyed token in place of each value."),
    (STORE, On::Fields, "Put values into a classified field as they are."),
    (STORE_PARTIAL, On::Fields, "Put values into a classified field, cut to a part."),
    (STORE_TOKEN, On::Fields, "Put tokens into a classified field in place of the values."),
    (OVERWRITE, On::Fields, "Change a classified field whose values the caller may not see."),
    (PROBE, On::Fields, "Search, compare, sort or group by a classified field that the caller may not see."),
    (APPROVE, On::Everything, "Agree to what another principal asks."),
    (EXPORT, On::Parts, "Take data out in bulk."),
];
