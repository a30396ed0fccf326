// A static import within a module that is itself imported lazily: bundlers then take what is used of it, and no more.
export { CORE_SCHEMA, defineMappingTag, load, mapTag } from 'js-yaml';
