//! Scenes that sessions share: a scene is what the policies are to one principal at one target, and a service opens many
//! connections.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use model::{Principal, Target, TargetId};
use parking_lot::Mutex;
use policy::{Policies, Scene};

/// Names kept before those that nobody uses any more are looked for.
const NAMES_SWEPT_AT: usize = 1024;

/// The scenes in use.
#[derive(Debug, Default)]
pub(crate) struct Scenes(Mutex<HashMap<(String, TargetId), Vec<Known>>>);

#[derive(Debug)]
struct Known {
    principal: Principal,
    policies: Weak<Policies>,
    scene: Weak<Scene>,
}

impl Scenes {
    /// The scene of a principal at a target under these policies: one that another session has, or a new one.
    pub fn of(&self, policies: &Arc<Policies>, principal: &Principal, target: &Target) -> Arc<Scene> {
        let name = (principal.id(), target.id.clone());
        let mut all = self.0.lock();
        if all.len() >= NAMES_SWEPT_AT {
            all.retain(|_, known| known.iter().any(|known| known.scene.strong_count() > 0));
        }
        let known = all.entry(name).or_default();
        known.retain(|known| known.scene.strong_count() > 0);
        let shared = known
            .iter()
            .find(|known| known.policies.as_ptr() == Arc::as_ptr(policies) && are_alike(&known.principal, principal))
            .and_then(|known| known.scene.upgrade());
        if let Some(scene) = shared {
            return scene;
        }
        let scene = Arc::new(policies.scene(principal, target));
        let entry =
            Known { principal: principal.clone(), policies: Arc::downgrade(policies), scene: Arc::downgrade(&scene) };
        known.push(entry);
        scene
    }
}

/// Whether policies see no difference between two principals: which credential was shown, and when it ends, is not theirs.
fn are_alike(one: &Principal, other: &Principal) -> bool {
    let Principal { kind, issuer, name, groups, claims, owner, act, run, credential: _, expires: _ } = one;
    *kind == other.kind
        && *issuer == other.issuer
        && *name == other.name
        && *groups == other.groups
        && *claims == other.claims
        && *owner == other.owner
        && *act == other.act
        && *run == other.run
}

#[cfg(test)]
mod tests {
    use model::{ActionDef, ActionGroup, ActionId, CredentialId, PrincipalKind, Vocabulary};
    use policy::{Known as Names, SourceFile};

    use super::*;

    static VOCABULARY: Vocabulary = Vocabulary {
        protocol: "test",
        actions: &[ActionDef {
            id: ActionId("get"),
            group: ActionGroup::Read,
            on: &[],
            context: &[],
            never: None,
            doc: "Gets",
        }],
        parts: &[],
    };

    fn policies() -> Arc<Policies> {
        let known = Names {
            targets: vec![target()],
            classes: Vec::new(),
            groups: Default::default(),
            issuers: ["local".to_owned()].into(),
        };
        let text = r#"@id("use") permit (principal, action == Action::"get", resource);"#;
        let file = SourceFile { name: "test.cedar".into(), text: text.into() };
        Arc::new(Policies::load(&[&VOCABULARY], &known, &[file]).unwrap().0)
    }

    fn target() -> Target {
        Target {
            id: TargetId("shop".into()),
            protocol: "test",
            env: None,
            labels: Vec::new(),
            token_scope: Default::default(),
            recording: Default::default(),
        }
    }

    fn principal(name: &str, groups: &[&str], credential: &str) -> Principal {
        Principal {
            kind: PrincipalKind::User,
            issuer: "local".into(),
            name: name.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            claims: Default::default(),
            owner: None,
            act: Vec::new(),
            run: None,
            credential: CredentialId(credential.into()),
            expires: None,
        }
    }

    #[test]
    fn sessions_share_a_scene_while_policies_and_principal_are_the_same() {
        let (scenes, policies, others) = (Scenes::default(), policies(), policies());
        let first = scenes.of(&policies, &principal("ann", &["dba"], "one"), &target());
        assert!(Arc::ptr_eq(&first, &scenes.of(&policies, &principal("ann", &["dba"], "two"), &target())));
        for other in [principal("ann", &[], "one"), principal("bob", &["dba"], "one")] {
            assert!(!Arc::ptr_eq(&first, &scenes.of(&policies, &other, &target())));
        }
        assert!(!Arc::ptr_eq(&first, &scenes.of(&others, &principal("ann", &["dba"], "one"), &target())));
    }

    #[test]
    fn a_scene_that_nobody_uses_is_not_kept() {
        let (scenes, policies) = (Scenes::default(), policies());
        let scene = scenes.of(&policies, &principal("ann", &[], "one"), &target());
        let weak = Arc::downgrade(&scene);
        drop(scene);
        assert!(weak.upgrade().is_none());
        scenes.of(&policies, &principal("ann", &[], "one"), &target());
        assert_eq!(scenes.0.lock().values().map(Vec::len).sum::<usize>(), 1);
    }
}
