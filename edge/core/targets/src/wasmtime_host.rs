//! The module in wasmtime.

#![expect(clippy::expect_used, reason = "see the crate")]

use wasmtime::{
    Config, Engine, Instance, Memory, Module, OptLevel, Store, TypedFunc, WasmParams, WasmResults,
};

/// An instance of the module in wasmtime.
pub struct Wasmtime {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

/// The module compiled to machine code, from which instances are made.
pub struct Compiled {
    engine: Engine,
    module: Module,
}

impl Compiled {
    /// Compiles the module. `optimised` is how wasmtime compiles unless it is told otherwise; without it the code is slower and
    /// ready sooner.
    pub fn new(optimised: bool) -> Self {
        let mut config = Config::new();
        config.cranelift_opt_level(if optimised { OptLevel::Speed } else { OptLevel::None });
        let engine = Engine::new(&config).expect("the machine is one that wasmtime knows");
        let module = Module::from_file(&engine, super::module()).expect("the module is WebAssembly");
        Self { engine, module }
    }

    /// A fresh instance in a store of its own.
    pub fn instance(&self) -> Wasmtime {
        let mut store = Store::new(&self.engine, ());
        let instance = Instance::new(&mut store, &self.module, &[]).expect("the module imports nothing");
        let memory = instance.get_memory(&mut store, "memory").expect("the module exports its memory");
        Wasmtime { store, instance, memory }
    }
}

impl Wasmtime {
    fn function<P: WasmParams, R: WasmResults>(&mut self, name: &str) -> TypedFunc<P, R> {
        self.instance.get_typed_func(&mut self.store, name).expect("the module exports it")
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, parameters: P) -> R {
        let function = self.function(name);
        function.call(&mut self.store, parameters).expect("the module does not trap")
    }

    /// Hands bytes to the module.
    pub fn input(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).expect("an input is below 4 GB");
        let place: u32 = self.call("input", len);
        self.memory.write(&mut self.store, place as usize, bytes).expect("the module gave room");
    }

    /// What the last call left.
    pub fn output(&mut self) -> Vec<u8> {
        let (place, len): (u32, u32) = (self.call("output", ()), self.call("output_len", ()));
        let mut bytes = vec![0; len as usize];
        self.memory.read(&self.store, place as usize, &mut bytes).expect("the output lies in memory");
        bytes
    }

    /// Decides a vector file.
    pub fn decide_vectors(&mut self, file: &str) -> Vec<u8> {
        self.input(file.as_bytes());
        self.call::<(), ()>("decide_vectors", ());
        self.output()
    }

    /// Prepares the workloads; their names.
    pub fn prepare_workloads(&mut self) -> Vec<String> {
        self.call::<(), u32>("prepare_workloads", ());
        String::from_utf8_lossy(&self.output()).lines().map(str::to_owned).collect()
    }

    /// Runs a workload so many times; the number of decisions.
    pub fn run_workload(&mut self, index: u32, times: u32) -> u32 {
        self.call("run_workload", (index, times))
    }

    /// The function of the first decision, looked up before so that a measurement holds the call alone.
    pub fn first_decision(&mut self) -> impl FnOnce() -> u32 {
        let function: TypedFunc<(), u32> = self.function("first_decision");
        let store = &mut self.store;
        move || function.call(store, ()).expect("the module does not trap")
    }
}
