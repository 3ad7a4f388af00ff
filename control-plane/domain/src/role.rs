//! Who may do what: one constant table.

/// Role of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads and writes.
    Admin,
}

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Read experiments, layers, results and publish status.
    Read,
    /// Create and change experiments and layers, start and stop them.
    Write,
    /// Read the audit.
    ReadAudit,
    /// Make, list and revoke API keys.
    ManageKeys,
}

/// The table: each role with all it may do.
const TABLE: [(Role, &[Permission]); 2] = [
    (Role::Viewer, &[Permission::Read]),
    (Role::Admin, &[Permission::Read, Permission::Write, Permission::ReadAudit, Permission::ManageKeys]),
];

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Viewer, Self::Admin];

    /// The role of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
        }
    }

    /// Whether the role has a permission.
    pub fn may(self, permission: Permission) -> bool {
        TABLE.iter().any(|(role, permissions)| *role == self && permissions.contains(&permission))
    }
}

impl Permission {
    /// The name that a refusal tells.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadAudit => "read_audit",
            Self::ManageKeys => "manage_keys",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_cell_by_cell() {
        let cells = [
            (Role::Viewer, Permission::Read, true),
            (Role::Viewer, Permission::Write, false),
            (Role::Viewer, Permission::ReadAudit, false),
            (Role::Viewer, Permission::ManageKeys, false),
            (Role::Admin, Permission::Read, true),
            (Role::Admin, Permission::Write, true),
            (Role::Admin, Permission::ReadAudit, true),
            (Role::Admin, Permission::ManageKeys, true),
        ];
        for (role, permission, allowed) in cells {
            assert_eq!(role.may(permission), allowed, "{role:?} {permission:?}");
        }
        assert_eq!(Role::parse("admin"), Some(Role::Admin));
        assert_eq!(Role::parse("root"), None);
    }
}
