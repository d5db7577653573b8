//! What Rust tests do to Google's side of the cloud without the admin API.

use serde_json::Value;

use crate::gce::config::GcpQuotas;
use crate::gce::state::{OpFault, Plant, State};
use crate::gce_sim;
use crate::gce_token::NewKey;
use crate::handle::Cloudsim;
use crate::world::World;

impl Cloudsim {
    /// Makes a project; one that exists stays as it is.
    pub fn gcp_project(&self, id: &str) {
        self.change(|world| {
            world.state.gce.put_project(id, None);
        });
    }

    /// Gives a project, which is made if need be, quotas of its own.
    pub fn gcp_quotas(&self, project: &str, quotas: GcpQuotas) {
        self.change(|world| {
            world.state.gce.put_project(project, Some(quotas));
        });
    }

    /// Makes a service account that may do this in its project, such as `compute.*`; answers its key file. Project and
    /// account are made if need be; an account that exists gets one more key, and these permissions in place of its
    /// own. Making the key takes a good part of a second.
    ///
    /// # Panics
    /// When the machine has no randomness to give.
    pub fn gcp_service_account(&self, project: &str, name: &str, permissions: &[&str]) -> Value {
        let Ok(key) = NewKey::generate() else {
            panic!("no key can be made");
        };
        let base_url = self.endpoint();
        self.change(|world| {
            let permissions = Some(permissions);
            gce_sim::add_account(world, project, name, permissions, key, &base_url)
        })
    }

    /// Sets what a principal, such as a service account's e-mail address, may do in a project.
    pub fn gcp_permissions(&self, project: &str, principal: &str, permissions: &[&str]) {
        self.change(|world| {
            let state = &mut world.state.gce;
            state.set_permissions(project, principal, permissions);
        });
    }

    /// The networks of a project with their peerings, as `networks.get` shows them, with everything due done.
    pub fn gcp_networks(&self, project: &str) -> Vec<Value> {
        let base_url = self.endpoint();
        self.gcp_state(|state| state.networks_of(project, &base_url))
    }

    /// Looks at what Compute Engine knows, or changes it, with everything due done.
    pub fn gcp_state<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        self.change(|world| {
            world.settle();
            how(&mut world.state.gce)
        })
    }

    /// Makes operations that begin from now on go wrong.
    pub fn gcp_operation_fault(&self, fault: OpFault) {
        self.change(|world| world.state.gce.op_faults.push(fault));
    }

    /// Forgets the faults of operations, and lets those end that hang.
    pub fn clear_gcp_operation_faults(&self) {
        self.change(World::clear_op_faults);
    }

    /// Makes every token invalid that was given out or used so far. A JWT that is signed once more within the same
    /// second is the same token, and stays invalid.
    pub fn gcp_revoke_tokens(&self) {
        self.change(|world| world.state.gcp.revoke());
    }

    /// Puts many networks with peerings in place at once.
    pub fn plant_gcp(&self, project: &str, plant: &Plant) {
        self.change(|world| {
            let now_ms = world.clock.now_ms();
            world.state.gce.plant(project, plant, now_ms);
        });
    }
}
